"""What actions answer, for example: recorded from the simulated services, in ``results.json`` beside this file.

Pure, but for that file. Called by ``documents``, which has it in the reference, and by ``pages``, which shows it.
"""

import functools
import json
from importlib import resources

from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject

WIDEST = 100  # characters of a line, before what it holds is given lines of its own
INDENT = "  "


@functools.cache
def recorded() -> JsonObject:
    """A result by each action's name: without secrets, long lists and texts cut short."""
    text = (resources.files("daemon.reference") / "results.json").read_text(encoding="utf-8")
    return jsons.as_object(jsons.loads(text))


def shown(value: Json, indent: str = "", taken: int = 0) -> str:
    """*value* as JSON to be read by people: whatever fits stands on one line.

    *indent* stands before what it breaks into lines, *taken* is how much of its first line is taken already.
    """
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + taken + len(line) <= WIDEST or not value:
        return line
    inner = indent + INDENT
    if isinstance(value, dict):
        keys = {name: f"{json.dumps(name, ensure_ascii=False)}: " for name in value}
        members = [f"{inner}{key}{shown(value[name], inner, len(key) + 1)}" for name, key in keys.items()]
        return "\n".join(["{", ",\n".join(members), indent + "}"])
    if isinstance(value, list):
        items = [f"{inner}{shown(one, inner, 1)}" for one in value]
        return "\n".join(["[", ",\n".join(items), indent + "]"])
    return line
