"""Documents as Markdown pages: a table to find things in, then a heading for each.

Pure. Called by the face of this room with what ``documents`` made.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import orjson

from daemon.model.jsons import JsonObject
from daemon.reference import answers, shapes, tomls


def events_page(document: JsonObject) -> str:
    """``docs/reference/events.md``."""
    told = document["events"]
    parts = [
        "# Events",
        "Every event has `id`, `type`, `source`, `subject`, `time`, `key`, `trace`, `cause` and `data`. This "
        "page says what `data` holds for each type. Fields that a service sends beyond them pass through.",
        "Where `data`, or a step's result, is larger than `[database] max_payload`, its largest fields are null and "
        "`truncated` is true beside them; `row_count` says how many `rows` there were. What does not fit even so is "
        "`truncated` and `size` (in bytes) alone. All three may be read of every event and result: "
        "`event.data.truncated is defined`, `event.data.row_count | default(0)`.",
        _table(
            ("type", "subject", "what happened"),
            [(_link(one["type"]), one["subject"], _first_line(one["about"])) for one in told],
        ),
    ]
    for one in told:
        parts += _event(one)
    return _joined(parts)


def _event(one: JsonObject) -> list[str]:
    told_by = f" Told by {_listed(one['told_by'])}." if one["told_by"] else ""
    return [
        f"## `{one['type']}`",
        one["about"],
        f"Its subject is the {one['subject']}.{told_by}",
        _fields(one["data"], "field"),
        f"```json\n{orjson.dumps(one['example'], option=orjson.OPT_INDENT_2).decode()}\n```",
    ]


def actions_page(document: JsonObject) -> str:
    """``docs/reference/actions.md``."""
    parts = [
        "# Actions",
        "What a step can do. After a crash, or a lost answer, nobody knows whether a call took effect. Each "
        "action says what is then done: a *repeatable* one is called again, a *probed* one looks first for "
        "what it may have made, an *unsafe* one waits for a person, unless its reaction says "
        '`on_doubt = "redo"`.',
        _table(
            ("action", "in doubt", "what it does"),
            [(_link(one["name"]), _doubt(one), _first_line(one["about"])) for one in document["actions"]],
        ),
    ]
    by_word = sorted(document["actions"], key=lambda one: str(one["name"]).partition(".")[0])
    for word, listed in groupby(by_word, lambda one: str(one["name"]).partition(".")[0]):
        parts.append(f"## {word}")
        for one in listed:
            parts += _action(one)
    return _joined(parts)


def _action(one: JsonObject) -> list[str]:
    followed = (
        f"What it starts is followed as one of `{one['follows']}`: its events come with or without `wait`."
        if one["follows"]
        else ""
    )
    return [
        f"### `{one['name']}`",
        one["about"],
        f"{_doubt(one).capitalize()}: {one['why']}.{_looked_for(one)}",
        followed,
        _fields(one["parameters"], "parameter", defaults=True) or "It takes no parameters.",
        "Example:",
        f"```toml\n{tomls.step(one['name'], one['example'])}\n```",
        "Its result:" if one["result"].get("properties") else "",
        _fields(one["result"], "field"),
        *_answer(one),
    ]


def _answer(one: JsonObject) -> list[str]:
    if one["answer"] is None:
        return []
    return ["Result, for example:", f"```json\n{answers.shown(one['answer'])}\n```"]


def _looked_for(one: JsonObject) -> str:
    return f" How a lost call is looked for: {one['probe']}." if one["probe"] else ""


def _doubt(one: JsonObject) -> str:
    return "it depends" if one["doubt_varies"] else str(one["doubt"])


def config_page(document: JsonObject) -> str:
    """``docs/reference/config.md``."""
    parts = [
        "# Config",
        'One TOML file. Unknown keys are errors. Durations are written `"500ms"`, `"30s"`, `"15m"`, `"2h"`, '
        '`"7d"`. A secret is a text, or a table of one key: `env` (a variable of the environment), `file` (a '
        'path), `credential` (a name in systemd\'s `$CREDENTIALS_DIRECTORY`), as in `{ env = "API_KEY" }`.',
        "What the texts below a step's `with` can read, and how conditions are written, stands in "
        "[Templates](../templates.md).",
    ]
    for one in document["tables"]:
        parts += _config_table(one)
    return _joined(parts)


def _config_table(one: JsonObject) -> list[str]:
    parts = [
        f"## `{one['name']}`" if one["name"] else "## Before any table",
        one["about"],
        _keys(one["keys"]),
    ]
    for variant in one["variants"]:
        if variant["keys"] and not variant["inside"]:
            parts += [f'With `{variant["key"]} = "{variant["value"]}"` also:', _keys(variant["keys"])]
    by_inside = [variant for variant in one["variants"] if variant["inside"]]
    for inside in dict.fromkeys(variant["inside"] for variant in by_inside):
        rows = [_inside(variant) for variant in by_inside if variant["inside"] == inside]
        parts.append(_table((by_inside[0]["key"], f"keys of `{inside}`"), rows))
    return parts


def _inside(variant: JsonObject) -> tuple[str, str]:
    """One row: a value, an action's with a link to its own page, and the keys that it takes."""
    value = str(variant["value"])
    shown = _link(value, "actions.md") if variant["key"] == "action" else f"`{value}`"
    return shown, ", ".join(f"`{key['name']}`" for key in variant["keys"])


def _keys(keys: Sequence[JsonObject]) -> str:
    rows = [
        (
            f"`{key['name']}`",
            key["shape"].removesuffix(" or null"),
            _default(key["required"], key["default"]),
            key["about"],
        )
        for key in keys
    ]
    return _table(("key", "value", "default", "what it is for"), rows)


def commands_page(document: JsonObject) -> str:
    """``docs/reference/commands.md``."""
    parts = [
        "# Commands",
        _table(
            ("command", "what it does"),
            [(_link(one["name"]), _first_line(one["about"])) for one in document["commands"]],
        ),
    ]
    for one in document["commands"]:
        parts += _command(one)
    return _joined(parts)


def _command(one: JsonObject) -> list[str]:
    arguments = [(f"`{each['name']}`", each["about"]) for each in one["arguments"]]
    options = [
        (", ".join(f"`{name}`" for name in each["names"]), each["default"] or "", each["about"])
        for each in one["options"]
    ]
    return [
        f"## `{one['name']}`",
        one["about"],
        _table(("argument", "what it is"), arguments),
        _table(("option", "default", "what it does"), options),
    ]


def coverage_page(document: JsonObject) -> str:
    """``docs/reference/coverage.md``."""
    parts = [
        "# Coverage",
        "Every endpoint that the services' API texts document, and the way to it here: an action that calls it, a "
        "watch that reads it, a callback that it sends. *In doubt* says what is done after a lost answer, as "
        "[Actions](actions.md) explains it. The test named last takes that way.",
    ]
    for one in document["services"]:
        rows = [_endpoint(endpoint) for endpoint in one["endpoints"]]
        parts += [
            f"## {one['service']}",
            one["about"],
            _table(("endpoint", "way", "in doubt", "test"), rows),
        ]
    return _joined(parts)


def _endpoint(one: JsonObject) -> tuple[str, str, str, str]:
    """One row; a call that the service makes begins with ``from``, one of any method has none."""
    method = {"ANY": "any", "SCRIPT": "script"}.get(one["method"], one["method"].replace(">", "from it: "))
    way = {
        "action": _link(one["name"], "actions.md"),
        "client": "by itself: logging in, proving the key",
    }.get(one["way"], f"{one['way']} `{one['name']}`")
    return (
        f"{method} `{one['path']}`",
        way,
        one["doubt"],
        f"`{one['test'].removeprefix('tests/connectors/')}`",
    )


def _fields(schema: JsonObject, head: str, *, defaults: bool = False) -> str:
    listed = shapes.shapes_of(schema).fields(schema)
    if not defaults:
        return _table((head, "value", "what it is"), [(f"`{f.name}`", f.shape, _about(f)) for f in listed])
    rows = [
        (f"`{f.name}`", f.shape.removesuffix(" or null"), _default(f.required, f.default), _about(f))
        for f in listed
    ]
    return _table((head, "value", "default", "what it is"), rows)


def _about(field: shapes.Field) -> str:
    return f"{field.about} Secret." if field.secret else field.about


def _default(required: bool, default: str | None) -> str:
    if required:
        return "*required*"
    return f"`{default}`" if default is not None else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; nothing at all where there are no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(head), _row(["---"] * len(head)), *lines]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _link(name: str, page: str = "") -> str:
    anchor = re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")
    return f"[`{name}`]({page}#{anchor})"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


PAGES: dict[str, Callable[[JsonObject], str]] = {
    "events": events_page,
    "actions": actions_page,
    "config": config_page,
    "commands": commands_page,
    "coverage": coverage_page,
}
