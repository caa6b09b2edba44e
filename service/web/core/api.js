// Requests to this service, at addresses below its own page, so that a proxy's prefix needs no setting.

const KEY = "lossary-key";

/** A refusal of the service (RFC 9457), or a service that cannot be reached (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "");
    this.status = status;
    this.body = body;
  }
}

let language = "en";

/** Have answers given in this language. */
export function speak(chosen) {
  language = chosen;
}

/** Keep a key until the tab is closed. */
export function keep(key) {
  sessionStorage.setItem(KEY, key);
}

/** Return the headers of every request. */
export function headers() {
  const key = sessionStorage.getItem(KEY);
  return { "Accept-Language": language, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {});
  }
  const text = await response.text();
  const body = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Problem(response.status, body || {});
  return body;
}

const kept = new Map();

/** Return what a GET answers; the same is asked for once in each language. */
export function get(path) {
  const name = `${language} ${path}`;
  if (!kept.has(name)) kept.set(name, answer(path, {}).catch((error) => { kept.delete(name); throw error; }));
  return kept.get(name);
}

/** Return what a GET answers now. */
export function fresh(path) {
  return answer(path, {});
}

/** Return what a POST of JSON answers. */
export function post(path, body, signal) {
  return answer(path, { method: "POST", body: JSON.stringify(body), signal, headers: { "Content-Type": "application/json" } });
}

/** Yield the server-sent events of a path: {event, data}. A browser's own EventSource would send no key. */
export async function* events(path, signal) {
  const response = await fetch(new URL(path, document.baseURI), { signal, headers: { ...headers(), Accept: "text/event-stream" } });
  if (!response.ok) throw new Problem(response.status, await response.json());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const pieces = (text + part.value).split(/\r?\n\r?\n/);
    text = pieces.pop();
    for (const piece of pieces) {
      const fields = Object.fromEntries(piece.split(/\r?\n/).map((line) => [line.split(":")[0], line.slice(line.indexOf(":") + 1).trim()]));
      if (fields.event) yield { event: fields.event, data: JSON.parse(fields.data) };
    }
  }
}

/** Return what a POST of a file answers. */
export function send(path, file, media) {
  return answer(path, { method: "POST", body: file, headers: { "Content-Type": media } });
}
