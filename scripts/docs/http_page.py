"""The reference of the HTTP interface, made from the OpenAPI document that the dashboard's types are made of, too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scripts.docs.markdown import cell

DOCUMENT: Final = Path(__file__).parents[2] / "dashboard" / "openapi.json"
_JSON: Final = "application/json"


def page() -> str:
    """The page as Markdown."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    lines = [
        "# HTTP",
        "",
        "Made from the service's OpenAPI document (`/openapi.json`). [The HTTP interface](../http.md) has examples.",
        "",
        "| method | path | what it answers |",
        "| --- | --- | --- |",
    ]
    endpoints = list(_endpoints(document))
    for method, path, what in endpoints:
        lines.append(f"| {method} | `{path}` | {cell(_description(what).split(chr(10))[0])} |")
    for method, path, what in endpoints:
        lines += ["", f"## {method} {path}", "", _description(what), *_parameters(what), *_bodies(what)]
    lines += ["", "# Models", ""]
    for name, model in sorted(document["components"]["schemas"].items()):
        lines += [f"## {name}", "", model.get("description", ""), "", *_fields(model), ""]
    return "\n".join(lines) + "\n"


def _endpoints(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, what in methods.items():
            yield method.upper(), path, what


def _description(what: dict[str, Any]) -> str:
    return str(what.get("description") or what["summary"])


def _parameters(what: dict[str, Any]) -> Iterator[str]:
    if not what.get("parameters"):
        return
    yield from ("", "| parameter | in | type | meaning |", "| --- | --- | --- | --- |")
    for one in what["parameters"]:
        name = f"`{one['name']}`" + (", needed" if one.get("required") else "")
        yield f"| {name} | {one['in']} | {_type(one['schema'])} | {cell(one.get('description') or '')} |"


def _bodies(what: dict[str, Any]) -> Iterator[str]:
    asked = what.get("requestBody", {}).get("content", {}).get(_JSON)
    if asked:
        yield from ("", f"Takes {_type(asked['schema'])}.")
    answers = {
        code: _type(answer["content"][_JSON]["schema"])
        for code, answer in what["responses"].items()
        if code.startswith("2") and answer.get("content", {}).get(_JSON, {}).get("schema")
    }
    for code, answer in answers.items():
        yield from ("", f"Answers {code} with {answer}.")


def _fields(model: dict[str, Any]) -> Iterator[str]:
    needed = model.get("required", [])
    yield from ("| field | type | meaning |", "| --- | --- | --- |")
    for name, schema in model.get("properties", {}).items():
        default = schema.get("default")
        meaning = cell(schema.get("description", "")) + (
            f" (default `{default}`)" if default is not None else ""
        )
        yield f"| `{name}`{'' if name in needed else ', may be absent'} | {_type(schema)} | {meaning.strip()} |"


def _type(schema: dict[str, Any]) -> str:
    match schema:
        case {"$ref": path}:
            name = path.rsplit("/", 1)[-1]
            found = f"[{name}](#{name.lower()})"
        case {"anyOf": several}:
            found = " or ".join(_type(one) for one in several)
        case {"enum": values}:
            found = ", ".join(f"`{value}`" for value in values)
        case {"const": value}:
            found = f"`{value}`"
        case {"type": "array"}:
            found = f"list of {_type(schema.get('items', {}))}"
        case {"additionalProperties": dict(values)}:
            found = f"object of {_type(values)}"
        case _:
            found = str(schema.get("format") or schema.get("type") or "any")
    return found
