"""What the bytes of a callback may be: their type, their JSON, how deep it may be nested. Pure.

Called by ``webhooks`` before anything looks at the content.
"""

import functools
from collections.abc import Callable

from daemon.contract.errors import MalformedBody
from daemon.model import jsons
from daemon.model.jsons import Json

DEEPEST = 100  # levels of lists and objects; what reads the body afterwards does so level by level
_TAKEN_TYPES = ("application/json", "application/cloudevents", "application/octet-stream", "text/")


@functools.lru_cache(maxsize=64)  # senders write theirs in a few ways
def is_taken(content_type: str) -> bool:
    """Whether a body of *content_type* is read as JSON: no type and ``text/*`` are, forms and images are not."""
    said = content_type.strip().lower()
    return not said or said.startswith(_TAKEN_TYPES) or "+json" in said


def read_json(raw: bytes, repair: Callable[[bytes], bytes | None] = lambda _raw: None) -> tuple[Json, bytes]:
    """The value of *raw*, and the JSON that it was read from: *raw* itself, or as *repair* mended it.

    :class:`~daemon.model.jsons.UnfitJson` for what is no JSON even so; ``MalformedBody`` where it is nested
    too deeply.
    """
    try:
        value = jsons.loads(raw)
    except jsons.UnfitJson:
        mended = repair(raw)
        if mended is None:
            raise
        value, raw = jsons.loads(mended), mended
    # Fewer brackets than levels cannot be too deep, and counting them costs next to nothing.
    if raw.count(b"{") + raw.count(b"[") >= DEEPEST and is_deeper(value, DEEPEST):
        raise MalformedBody(f"the body is nested more than {DEEPEST} levels deep")
    return value, raw


def text_of(value: Json, read: Json, said: bytes) -> str:
    """The JSON text of *value*: *said* where it is still what was *read* from that, on one line. Callbacks wait for
    their commit as texts: a thousand small objects of each would be cold by then, and cost twice as much."""
    return said.decode() if value is read and b"\n" not in said else jsons.dumps(value)


def is_deeper(value: Json, levels: int) -> bool:
    """Whether *value* has more than *levels* of lists and objects within one another."""
    level = [value]
    for _ in range(levels + 1):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Json) -> list[Json]:
    return list(value.values()) if isinstance(value, dict) else value
