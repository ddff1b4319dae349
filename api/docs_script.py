"""What the page of the API's description runs, and how it looks: it builds everything from `/openapi.json`.

Texts of the description become text, never markup. The policy of the page allows exactly these bytes.
"""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .75rem; }
details > div { padding: 0 .75rem .75rem; }
code, pre, textarea, input { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: .6rem; border-radius: 6px; overflow: auto; max-height: 26rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-top: 1px solid var(--line); }
input, textarea { width: 100%; box-sizing: border-box; padding: .3rem; }
button { margin: .6rem 0; padding: .3rem 1.2rem; }
.method { display: inline-block; min-width: 3.6rem; font-weight: 700; }
"""

SCRIPT: Final = """
"use strict";
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
const byTag = (paths) => {
  const tags = new Map();
  for (const [path, operations] of Object.entries(paths))
    for (const [method, operation] of Object.entries(operations)) {
      const tag = (operation.tags || ["service"])[0];
      if (!tags.has(tag)) tags.set(tag, []);
      tags.get(tag).push({ path, method, operation });
    }
  return tags;
};
const start = (described) => {
  const named = (schema) => described.components.schemas[schema.$ref.split("/").pop()];
  const shown = (schema, depth = 0) => {
    if (!schema || depth > 8) return schema ? "…" : null;
    if (schema.$ref) return shown(named(schema), depth + 1);
    const either = schema.anyOf || schema.oneOf;
    if (either) return either.map((part) => shown(part, depth + 1));
    if (schema.enum || "const" in schema) return schema.enum || schema.const;
    if (schema.type === "array") return [shown(schema.items, depth + 1)];
    if (schema.properties)
      return Object.fromEntries(
        Object.entries(schema.properties).map(([name, part]) => [name, shown(part, depth + 1)]),
      );
    return schema.description ? `${schema.type || "any"}: ${schema.description}` : schema.type || "any";
  };
  const sample = (schema, depth = 0) => {
    if (!schema || depth > 8) return null;
    if (schema.$ref) return sample(named(schema), depth + 1);
    if (schema.examples) return schema.examples[0];
    if ("default" in schema) return schema.default;
    if (schema.enum) return schema.enum[0];
    if (schema.type === "array") return schema.minItems ? [sample(schema.items, depth + 1)] : [];
    if (schema.properties) {
      const names = schema.required || Object.keys(schema.properties);
      return Object.fromEntries(names.map((name) => [name, sample(schema.properties[name], depth + 1)]));
    }
    return schema.format === "date-time" ? new Date().toISOString() : "";
  };
  const pretty = (value) => make("pre", {}, JSON.stringify(value, null, 2));
  const token = make("input", { id: "token", type: "password", autocomplete: "off" });
  const send = async (call, fields, body, out) => {
    let path = call.path;
    const query = new URLSearchParams();
    for (const { parameter, field } of fields) {
      if (field.value === "") continue;
      if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(field.value));
      else if (parameter.in === "query") query.append(parameter.name, field.value);
    }
    const headers = {};
    if (token.value) headers.Authorization = `Bearer ${token.value}`;
    if (body) headers["Content-Type"] = "application/json";
    const address = query.size ? `${path}?${query}` : path;
    out.replaceChildren(`${call.method.toUpperCase()} ${address} …`);
    const stop = new AbortController();
    try {
      const method = call.method.toUpperCase();
      const answer = await fetch(address, { method, headers, body: body && body.value, signal: stop.signal });
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      let text = "";
      while (text.length < 20000) {
        const { value, done } = await reader.read();
        if (done) break;
        text += decoder.decode(value, { stream: true });
        out.replaceChildren(`${answer.status} ${answer.headers.get("content-type")}\\n\\n${text.slice(0, 20000)}`);
      }
      stop.abort();
    } catch (error) {
      out.replaceChildren(String(error));
    }
  };
  const operation = (call) => {
    const parts = make("div");
    const { operation } = call;
    parts.append(make("p", {}, operation.description || operation.summary || ""));
    const fields = [];
    const table = make("table");
    for (const parameter of operation.parameters || []) {
      const label = `${call.method} ${call.path} ${parameter.name}`;
      const field = make("input", { "aria-label": label });
      fields.push({ parameter, field });
      const about = parameter.description || (parameter.schema || {}).description || "";
      const name = make("code", {}, parameter.name);
      const kind = `${parameter.in}${parameter.required ? ", required" : ""}`;
      table.append(
        make("tr", {}, make("td", {}, name), make("td", {}, kind), make("td", {}, about), make("td", {}, field)),
      );
    }
    if (fields.length) parts.append(table);
    const content = operation.requestBody && operation.requestBody.content["application/json"];
    let body = null;
    if (content) {
      body = make("textarea", { rows: "9", "aria-label": `${call.method} ${call.path} body` });
      body.value = JSON.stringify(sample(content.schema), null, 2);
      parts.append(make("h4", {}, "Body"), body, make("h4", {}, "What it may have"), pretty(shown(content.schema)));
    }
    const out = make("pre", { "aria-live": "polite" }, "not sent yet");
    const button = make("button", { type: "button" }, "Send");
    button.addEventListener("click", () => send(call, fields, body, out));
    parts.append(button, out, make("h4", {}, "Answers"));
    for (const [status, answer] of Object.entries(operation.responses)) {
      parts.append(make("p", {}, make("code", {}, status), ` ${answer.description || ""}`));
      const said = (answer.content || {})["application/json"];
      if (said && said.schema && status < 300) parts.append(pretty(shown(said.schema)));
    }
    return parts;
  };
  const ui = document.getElementById("ui");
  ui.replaceChildren(
    make("h1", {}, `${described.info.title} ${described.info.version}`),
    make("p", {}, described.info.summary || ""),
    make("p", {}, make("a", { href: "/openapi.json" }, "openapi.json")),
  );
  if (described.components.securitySchemes)
    ui.append(make("p", {}, make("label", { for: "token" }, "Access token, kept by this page alone "), token));
  for (const [tag, calls] of byTag(described.paths)) {
    ui.append(make("h2", {}, tag));
    for (const call of calls) {
      const method = make("span", { class: "method" }, call.method.toUpperCase());
      const head = make("summary", {}, method, make("code", {}, call.path), ` ${call.operation.summary || ""}`);
      const details = make("details", {}, head);
      details.addEventListener(
        "toggle",
        () => details.childElementCount < 2 && details.append(operation(call)),
      );
      ui.append(details);
    }
  }
};
fetch("/openapi.json")
  .then((answer) => answer.json())
  .then(start)
  .catch((error) => document.getElementById("ui").append(String(error)));
"""
