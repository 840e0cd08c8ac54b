"""JSON Schemas read for people: what a value is in a few words, and the fields of an object, one a line.

Pure. ``documents`` and ``pages`` call it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

DEEPEST = 4  # levels of objects in objects that are spelled out
MOST_NAMES = 8  # of an enumeration that are spelled out
SECRET_FORMS = {"env", "file", "credential"}  # one of them alone makes an object a reference to a secret
WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "array": "list",
    "object": "object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object. *name* is dotted, ``[]`` after a list's; *default* is JSON text, or None."""

    name: str
    shape: str
    required: bool
    default: str | None
    about: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Shapes:
    """A schema with the definitions that its references lead to."""

    definitions: JsonObject

    def resolve(self, schema: Json) -> JsonObject:
        """*schema* with its reference followed; what stands beside the reference comes first."""
        given = jsons.as_object(schema)
        whole = given.get("allOf", [])
        if len(whole) == 1 and "if" not in whole[0]:
            given = {**jsons.as_object(whole[0]), **{k: v for k, v in given.items() if k != "allOf"}}
        target = given.get("$ref")
        if not isinstance(target, str):
            return given
        beside = {key: value for key, value in given.items() if key != "$ref"}
        return {**self.resolve(self.definitions.get(target.rpartition("/")[2])), **beside}

    def describe(self, schema: Json) -> str:
        """What a value of *schema* is, in a few words."""
        found = self.resolve(schema)
        if "const" in found or "enum" in found:
            return _one_of(found.get("enum", [found.get("const")]))
        variants = found.get("anyOf") or found.get("oneOf")
        if variants:
            return self._describe_variants([self.resolve(one) for one in variants])
        kind = found.get("type")
        if isinstance(kind, list):
            return " or ".join(WORDS.get(one, str(one)) for one in kind)
        if kind == "array" and found.get("items"):
            inner = self.describe(found["items"])
            return f"list of ({inner})" if " or " in inner else f"list of {inner}"
        if kind == "object" or "properties" in found:
            return self._describe_object(found)
        return WORDS.get(str(kind), "anything") if kind is not None else "anything"

    def _describe_variants(self, variants: list[JsonObject]) -> str:
        secret = [one for one in variants if set(one.get("properties", {})) & SECRET_FORMS]
        if secret:
            variants = [one for one in variants if one not in secret and one.get("type") != "string"]
        told = dict.fromkeys((["secret"] if secret else []) + [self.describe(one) for one in variants])
        return " or ".join(sorted(told, key=lambda word: word == "null"))

    def _describe_object(self, found: JsonObject) -> str:
        if found.get("properties"):
            return "object"
        inner = found.get("additionalProperties")
        if isinstance(inner, dict) and inner:
            return f"object of {self.describe(inner)} by name"
        return "object"

    def fields(self, schema: Json, depth: int = DEEPEST) -> list[Field]:
        """The fields of an object's *schema*, and below each the fields of what it holds."""
        found = self.resolve(schema)
        required = found.get("required", [])
        listed: list[Field] = []
        for name, one in found.get("properties", {}).items():
            listed.append(self.field(name, one, required=name in required))
            listed += self._inner(name, one, depth - 1)
        return listed

    def field(self, name: str, schema: Json, *, required: bool) -> Field:
        """One field, without what is inside it."""
        found = self.resolve(schema)
        default = jsons.dumps(found["default"]) if not required and "default" in found else None
        return Field(
            name=name,
            shape=self.describe(found),
            required=required,
            default=None if default == "null" else default,
            about=str(found.get("description", "")),
            secret=found.get("writeOnly") is True,
        )

    def _inner(self, name: str, schema: Json, depth: int) -> list[Field]:
        if depth <= 0:
            return []
        return [
            replace(one, name=f"{name}{mark}.{one.name}")
            for mark, inner in self._objects(schema)
            for one in self.fields(inner, depth)
        ]

    def _objects(self, schema: Json) -> Iterator[tuple[str, JsonObject]]:
        """The objects with named fields that a value of *schema* is or lists; ``[]`` marks a list's."""
        found = self.resolve(schema)
        for one in (
            found,
            *map(self.resolve, found.get("anyOf", [])),
            *map(self.resolve, found.get("oneOf", [])),
        ):
            if one.get("properties"):
                yield "", one
            items = self.resolve(one.get("items"))
            if items.get("properties"):
                yield "[]", items


def _one_of(values: list[Json]) -> str:
    if len(values) > MOST_NAMES:
        return f"one of {len(values)} names"
    return " or ".join(
        f"`{value}`" if isinstance(value, str) else f"`{jsons.dumps(value)}`" for value in values
    )


def shapes_of(schema: JsonObject) -> Shapes:
    """The reader of one whole schema."""
    return Shapes(jsons.as_object(schema.get("$defs")))
