// What is shown, as it stands in the address: #/view/name?key=value. Each state can be sent to somebody else.

/** Return the view, its name and its parameters. */
export function read(hash = location.hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view = "", ...rest] = path.split("/").map(decodeURIComponent);
  return { view: view || "recommend", name: rest.join("/"), query: new URLSearchParams(query) };
}

/** Return the address of a state within the page; the language stays as it is. */
export function address(view, name = "", query = {}) {
  const parameters = new URLSearchParams(query);
  const language = read().query.get("lang");
  if (language && !parameters.has("lang")) parameters.set("lang", language);
  const path = [view, name].filter(Boolean).map(encodeURIComponent).join("/");
  const text = parameters.toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** Have the address say what is shown, without a step in the history of the browser. */
export function replace(view, name, query) {
  history.replaceState(null, "", address(view, name, query));
}
