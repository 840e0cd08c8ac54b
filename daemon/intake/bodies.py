"""What the bytes of a callback may be: their type, their JSON, how deep it may be nested. Pure.

Called by ``webhooks`` before anything looks at the content.
"""

from collections.abc import Callable

from daemon.contract.errors import MalformedBody
from daemon.model import jsons
from daemon.model.jsons import Json

DEEPEST = 100  # levels of lists and objects; what reads the body afterwards does so level by level
_TAKEN_TYPES = ("application/json", "application/cloudevents", "application/octet-stream", "text/")


def is_taken(content_type: str) -> bool:
    """Whether a body of *content_type* is read as JSON: no type and ``text/*`` are, forms and images are not."""
    said = content_type.strip().lower()
    return not said or said.startswith(_TAKEN_TYPES) or "+json" in said


def read_json(raw: bytes, repair: Callable[[bytes], bytes | None] = lambda _raw: None) -> Json:
    """The value of *raw*, mended by *repair* where it is not JSON.

    :class:`~daemon.model.jsons.UnfitJson` for what is no JSON even so; ``MalformedBody`` where it is nested
    too deeply.
    """
    try:
        value = jsons.loads(raw)
    except jsons.UnfitJson:
        mended = repair(raw)
        if mended is None:
            raise
        value = jsons.loads(mended)
    # Fewer brackets than levels cannot be too deep, and counting them costs next to nothing.
    if raw.count(b"{") + raw.count(b"[") >= DEEPEST and is_deeper(value, DEEPEST):
        raise MalformedBody(f"the body is nested more than {DEEPEST} levels deep")
    return value


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
