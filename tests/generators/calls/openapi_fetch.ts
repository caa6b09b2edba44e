// Calls of openapi-fetch with the types that openapi-typescript made; a line of JSON for each.

import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };

const client = createClient<paths, "application/json">({ baseUrl: process.argv[2] });
const arrays = { targets: [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], predictions: [2.0, 4.0, 6.0, 8.0, 10.0, 12.0] };
const print = (operation: string, value: unknown) => console.log(JSON.stringify({ operation, value }));

const question = { task: "binary" as const, profile: { class_imbalance: 1.1 } };
const recommended = await client.POST("/v1/recommend", { body: question });
print("recommend", recommended.data?.recommended?.objective);

const measured = await client.POST("/v1/profile", { body: { task: "regression", ...arrays } });
const rate = measured.data?.profile.outlier_rate;
print("profile", typeof rate === "object" ? rate?.value : rate);

const evaluated = await client.POST("/v1/evaluate", { body: { loss: ["mse", "mae"], ...arrays } });
print("evaluate", evaluated.data?.results[0].value);

const advised = await client.POST("/v1/advise", { body: { task: "regression", ...arrays } });
print("advise", advised.data?.recommendation.recommended?.objective);

print("losses", (await client.GET("/v1/losses")).data?.total);

const drawn = await client.GET("/v1/losses/{loss_id}/curve", {
  params: { path: { loss_id: "huber" }, query: { points: 5 } },
});
print("curve", drawn.data?.curves[0].value);

const rows = [{ y_true: 1, y_pred: 2 }, { y_true: 3, y_pred: 5.5 }];
print("create_dataset", (await client.POST("/v1/datasets", { body: { rows } })).data?.id);
