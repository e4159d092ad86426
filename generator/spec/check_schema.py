"""Checks of YAML data against the JSON Schemas in specs/schema, with errors for people."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.model import Place
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.texts import SPECS
from drafthart.generator.spec.yaml_file import Node

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

_SHARED = "revision.schema.json"
"""The schema whose definitions others refer to."""

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a number",
    "null": "null",
    "object": "a map",
    "string": "text",
}


@lru_cache(maxsize=4096)
def check_schema(node: Node, schema: str, definition: str = "") -> None:
    """Check a node against `items`, `revision` or `overlay`, or one of the schema's definitions.

    Nodes never change, so that one check of each will do.
    """
    validator = _validator(schema, definition)
    plain = node.plain()
    if validator.is_valid(plain):
        return
    from jsonschema.exceptions import best_match

    error = best_match(validator.iter_errors(plain))
    assert error is not None
    # Where a value fits none of several forms, their common description says most.
    while error.parent is not None and error.parent.absolute_path == error.absolute_path:
        error = error.parent
    raise DrafthartError(_explain(node, error))


@cache
def _validator(schema: str, definition: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    path = SPECS / "schema" / f"{schema}.schema.json"
    text = path.read_text(encoding="utf-8")
    content = json.loads(text.replace(f'"{_SHARED}#/', '"#/'), object_hook=_to_the_end)
    if _SHARED in text:
        text = (path.parent / _SHARED).read_text(encoding="utf-8")
        shared = json.loads(text, object_hook=_to_the_end)
        content["$defs"] |= shared["$defs"]
    if definition:
        content = {"$ref": f"#/$defs/{definition}", "$defs": content["$defs"]}
    return Draft202012Validator(content)


def _to_the_end(content: dict[str, Any]) -> dict[str, Any]:
    """In a schema `$` is the end of the text, where Python allows one more line feed."""
    for key, value in content.items():
        if key == "pattern" and isinstance(value, str):
            content[key] = re.sub(r"\$$", r"\\Z", value)
        elif key == "patternProperties":
            content[key] = {re.sub(r"\$$", r"\\Z", name): it for name, it in value.items()}
    return content


def check_name(section: str, name: str, place: Place) -> None:
    """Check an item's name, which a path or a rename may have given it, against the schema."""
    if not _names()[section].search(name):
        what = f"{name!r} is no name for one of the {section}"
        raise SpecError(place, what, "docs/format.md says what may stand here")


@cache
def _names() -> dict[str, re.Pattern[str]]:
    content = _validator("items", "").schema
    assert isinstance(content, dict)
    return {
        section: re.compile(it["propertyNames"]["pattern"])
        for section, it in content["properties"].items()
    }


def attributes(definition: str) -> frozenset[str]:
    """Names of the attributes that the items' schema gives to one kind of item."""
    return _attributes()[definition]


@cache
def _attributes() -> dict[str, frozenset[str]]:
    content = _validator("items", "").schema
    assert isinstance(content, dict)
    return {name: frozenset(it.get("properties", ())) for name, it in content["$defs"].items()}


def _explain(root: Node, error: ValidationError) -> str:
    """One line: where, what is wrong, what to do."""
    node = _at(root, error.absolute_path)
    value = node.value
    schema: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    rule: Any = error.validator_value
    hint = schema.get("description", "docs/format.md says what may stand here")
    match error.validator:
        case "additionalProperties":
            known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
            name = next(
                key
                for key in node.entries
                if key not in known and not any(_matches(pattern, key) for pattern in patterns)
            )
            if patterns:
                what = f"{name!r} is no path of an item; write section.name"
            else:
                what = f"unknown key {name!r}; {did_you_mean(name, known)}"
            return f"{node.entries[name].key}: {what}"
        case "required":
            missing = next(key for key in rule if key not in node.entries)
            return f"{node.key}: {missing!r} is missing; add it"
        case "oneOf" if all(set(branch) <= {"required", "anyOf"} for branch in rule):
            *most, last = (_required(branch) for branch in rule)
            names = f"{', '.join(most)} and {last}"
            return f"{node.key}: exactly one of {names} must stand here; write one"
        case "enum":
            # Booleans as YAML spells them.
            choices = ", ".join(str(it).lower() if isinstance(it, bool) else str(it) for it in rule)
            return f"{node.place}: {_shown(value)} is none of {choices}; use one of these"
        case "pattern" if not isinstance(value, str):  # of a property's name
            name = str(error.instance)
            return f"{node.entries[name].key}: {name!r} is no name for this; correct it"
        case "type":
            wanted = rule
            kinds = [wanted] if isinstance(wanted, str) else wanted
            text = " or ".join(_KINDS[kind] for kind in kinds)
            return f"{node.place}: expected {text}, found {_shown(value)}; {_as_remedy(hint)}"
    return f"{node.place}: {_shown(value)} is not allowed; {_as_remedy(hint)}"


def _required(branch: dict[str, Any]) -> str:
    """The key that a form asks for, and those that may stand in its place."""
    first, *others = (form["required"][0] for form in branch.get("anyOf", [branch]))
    return f"{first} (or {', '.join(others)})" if others else str(first)


def _as_remedy(hint: str) -> str:
    return f"expected: {hint}"


def _at(node: Node, path: Any) -> Node:
    """The node at the path of an error; the last that exists where the path names a key."""
    for step in path:
        node = node.sequence[step] if isinstance(step, int) else node.entries[step]
    return node


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _shown(value: object) -> str:
    """A value as the user wrote it, or what it is where that would be long."""
    match value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case _:
            text = str(value)
            return repr(text if len(text) < 40 else text[:36] + " ...")
