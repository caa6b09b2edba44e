// Calls of the client that @hey-api/openapi-ts made; a line of JSON for each.

import { advise, createDataset, curve, evaluate, losses, profile, recommend } from "./made/index.js";
import { client } from "./made/client.gen.js";

declare const process: { argv: string[] };

client.setConfig({ baseUrl: process.argv[2] });
const arrays = { targets: [2.1, 3.9, 6.2, 7.8, 10.1, 40.0], predictions: [2.0, 4.0, 6.0, 8.0, 10.0, 12.0] };
const print = (operation: string, value: unknown) => console.log(JSON.stringify({ operation, value }));

const question = { task: "binary" as const, profile: { class_imbalance: 1.1 } };
print("recommend", (await recommend({ body: question })).data?.recommended?.objective);

const rate = (await profile({ body: { task: "regression", ...arrays } })).data?.profile.outlier_rate;
print("profile", typeof rate === "object" ? rate?.value : rate);

const evaluated = await evaluate({ body: { loss: ["mse", "mae"], ...arrays } });
print("evaluate", (evaluated.data as { results: { value: number }[] }).results[0].value);

const advised = await advise({ body: { task: "regression", ...arrays } });
print("advise", advised.data?.recommendation.recommended?.objective);

print("losses", (await losses()).data?.total);

const drawn = await curve({ path: { loss_id: "huber" }, query: { points: 5 } });
print("curve", (drawn.data as { curves: { value: number[] }[] }).curves[0].value);

const rows = [{ y_true: 1, y_pred: 2 }, { y_true: 3, y_pred: 5.5 }];
print("create_dataset", (await createDataset({ body: { rows } })).data?.id);
