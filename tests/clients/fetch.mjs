// Node's fetch against the service whose address is the first argument: prints a JSON line for each way of sending.
import { readFileSync } from "node:fs";

const [url, folder] = process.argv.slice(2);
const question = { loss: "mse", predictions: [1, 2], targets: [0, 0] };
const json = { "Content-Type": "application/json" };
const npy = (name) => new Blob([readFileSync(`${folder}/${name}.npy`)]);

async function say(way, path, options) {
  const answer = await fetch(`${url}${path}`, { method: "POST", ...options });
  const body = await answer.json();
  console.log(JSON.stringify({ way, status: answer.status, value: body.results?.[0]?.value, detail: body.detail }));
}

await say("json", "/v1/evaluate", { headers: json, body: JSON.stringify(question) });
await say("json without a type", "/v1/evaluate", { body: JSON.stringify(question) });

const form = new FormData();
form.append("loss", "mse");
form.append("predictions", npy("z"), "z.npy");
form.append("targets", npy("y"), "y.npy");
await say("form", "/v1/evaluate", { body: form });

const typed = new FormData();
typed.append("request", new Blob([JSON.stringify({ loss: "mse" })], { type: "application/json" }));
typed.append("predictions", npy("z"));
typed.append("targets", npy("y"));
await say("form with a request part", "/v1/evaluate", { body: typed });

const both = readFileSync(`${folder}/both.npy`);
const stream = new ReadableStream({
  start(controller) {
    for (let at = 0; at < both.length; at += 50) controller.enqueue(both.subarray(at, at + 50));
    controller.close();
  },
});
const binary = { "Content-Type": "application/x-npy" };
await say("stream", "/v1/evaluate?loss=mse", { headers: binary, body: stream, duplex: "half" });
await say("1.6 MB", "/v1/evaluate", { headers: json, body: readFileSync(`${folder}/big.json`) });

const many = Array.from({ length: 20 }, () => fetch(`${url}/v1/evaluate`, { method: "POST", headers: json, body: JSON.stringify(question) }));
const statuses = new Set((await Promise.all(many)).map((answer) => answer.status));
console.log(JSON.stringify({ way: "20 at once", status: [...statuses].join() }));
