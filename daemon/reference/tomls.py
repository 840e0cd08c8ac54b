"""JSON values as TOML, the way a person writes a step's parameters in the config.

Pure. Called by ``pages`` for the examples of actions.
"""

import json
import re
from collections.abc import Mapping

from daemon.model.jsons import Json

WIDEST = 100  # characters of a line, before what it holds is given lines of its own
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def step(action: str, parameters: Mapping[str, Json]) -> str:
    """A step that calls *action* with *parameters*, as one ``[[reaction.do]]``, without a newline at its end.

    :class:`ValueError` for a null: TOML has none.
    """
    head = f"[[reaction.do]]\naction = {_text(action)}"
    if not parameters:
        return head
    line = f"with = {_inline(dict(parameters))}"
    if len(line) <= WIDEST:
        return f"{head}\n{line}"
    keys = [_pair(name, value) for name, value in parameters.items()]
    return "\n".join([head, "", "[reaction.do.with]", *keys])


def _pair(name: str, value: Json) -> str:
    """One key and its value; a list that is too long for a line has a line for each item."""
    line = f"{_key(name)} = {_inline(value)}"
    if len(line) <= WIDEST or not isinstance(value, list):
        return line
    items = [f"  {_inline(one)}," for one in value]
    return "\n".join([f"{_key(name)} = [", *items, "]"])


def _inline(value: Json) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(name)} = {_inline(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(one) for one in value)}]"
    if isinstance(value, str):
        return _text(value)
    if value is None:
        raise ValueError("TOML has no null")
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """*text* between quotation marks. JSON's escapes are TOML's, but for one character that JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
