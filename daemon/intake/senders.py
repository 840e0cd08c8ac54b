"""What a ``[[webhook]]`` body becomes: one fact. Plain JSON, or a CloudEvent in structured or binary mode.

Pure; called by ``webhooks`` after the signature was verified.
"""

import base64
import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from daemon import expressions
from daemon.contract.configured import Webhook
from daemon.contract.errors import MalformedBody
from daemon.contract.secrets import Blanker
from daemon.intake import bodies
from daemon.model import events, ids, jsons, times
from daemon.model.events import Fact
from daemon.model.jsons import Json

LONGEST_NAME = 500  # characters of a type, subject or key that somebody else chose
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REQUIRED = ("id", "source", "type")
_TEXTS = (*_REQUIRED, "specversion", "subject", "time", "datacontenttype", "dataschema", "data_base64")
# RFC 3339's own grammar; which days a month has, and which years there are, the calendar says.
_HOUR, _MINUTE = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
_TIME = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_HOUR}:{_MINUTE}:)({_MINUTE}(?:\.[0-9]+)?|60(?:\.[0-9]+)?)"
    rf"(Z|[+-]{_HOUR}:{_MINUTE})",
    re.IGNORECASE,
)
_LAST_OF_MINUTE = "59.999999"  # what a leap second is taken as
BLIND = Blanker()  # knows no secret of anybody's


def understand(
    webhook: Webhook,
    headers: Mapping[str, str],
    raw: bytes,
    body: Json,
    blanker: Blanker = BLIND,
) -> Fact:
    """The fact that *body* tells, blanked by *blanker*. :class:`MalformedBody` when it cannot be one.

    Names in *headers* may be of any case. The key is made from what came: two orders that differ only in a blanked
    field are two events.
    """
    cloud = _cloud_event(headers, raw, body)
    if cloud is not None:
        attributes, data, raw = cloud
        said = _key(webhook, body) or headers.get("webhook-id")
        fact = _of_cloud_event(attributes, blanker.value(data, raw), said)
        return replace(fact, subject=blanker.text(fact.subject), key=blanker.key(fact.key))
    said = _key(webhook, body) or headers.get("webhook-id")
    key = blanker.key(fit_name(said, "key")) if said else ids.digest(raw)
    return Fact(webhook.type, "", key, bodies.text_of(as_data(blanker.value(body, raw)), body, raw))


def as_data(body: Json) -> jsons.JsonObject:
    """*body* as an event's data: an object as it is, anything else under ``body``."""
    return body if isinstance(body, dict) else {"body": body}


def _cloud_event(
    headers: Mapping[str, str], raw: bytes, body: Json
) -> tuple[dict[str, str], Json, bytes] | None:
    """The attributes and data of a CloudEvent, and what the data was read from; None where the request is none."""
    content_type = headers.get("content-type", "").lower()
    if content_type.startswith("application/cloudevents-batch"):
        raise MalformedBody("batches of CloudEvents are not taken; send them one by one")
    if content_type.startswith("application/cloudevents") or _looks_structured(body):
        if not isinstance(body, dict):
            raise MalformedBody("a structured CloudEvent is a JSON object")
        attributes = _attributes(body)
        return attributes, *_data(attributes, raw, body)
    if "ce-specversion" in headers:
        attributes = {
            name.lower()[3:]: unquote(value) for name, value in headers.items() if name[:3].lower() == "ce-"
        }
        return attributes, body, raw
    return None


def _attributes(body: jsons.JsonObject) -> dict[str, str]:
    """The attributes of a structured CloudEvent that are text; one that is null is not there."""
    for name in _TEXTS:
        value = body.get(name)
        if value is not None and not isinstance(value, str):
            raise MalformedBody(f"the CloudEvent's {name} is {expressions.kind(value)}; it must be text")
    return {name: value for name, value in body.items() if isinstance(value, str)}


def _data(attributes: Mapping[str, str], raw: bytes, body: jsons.JsonObject) -> tuple[Json, bytes]:
    """A structured CloudEvent's data, and what it was read from. Binary data that is no JSON stays as it came."""
    if "data" in body:
        return body["data"], raw
    if "data_base64" not in attributes:
        return {}, raw
    try:
        decoded = base64.b64decode(attributes["data_base64"], validate=True)
    except ValueError:
        raise MalformedBody("the CloudEvent's data_base64 is not base64") from None
    if _is_json(attributes.get("datacontenttype", "application/json")):
        with contextlib.suppress(jsons.UnfitJson):
            return bodies.read_json(decoded)
    return {"data_base64": attributes["data_base64"]}, raw


def _is_json(media_type: str) -> bool:
    return media_type.partition(";")[0].strip().lower().endswith(("/json", "+json"))


def _looks_structured(body: Json) -> bool:
    return isinstance(body, dict) and "specversion" in body and all(name in body for name in _REQUIRED)


def _of_cloud_event(attributes: Mapping[str, str], data: Json, key: str | None) -> Fact:
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise MalformedBody(f"the CloudEvent lacks {', '.join(missing)}")
    type = fit_name(attributes["type"], "type")
    if not events.is_type(type):
        raise MalformedBody("the type is not made of dotted words, as in orders.received")
    if type.split(".")[0].lower() in events.RESERVED_WORDS:
        raise MalformedBody(f"the type {type} begins with a reserved word")
    # No URI reference holds one; and where the key's source ends must be plain.
    if any(character.isspace() for character in attributes["source"]):
        raise MalformedBody("the CloudEvent's source holds a blank; it must be a URI reference")
    subject = fit_name(attributes.get("subject", ""), "subject")
    said = key or f"{attributes['source']} {attributes['id']}"
    return Fact(type, subject, fit_name(said, "key"), as_data(data), _time(attributes.get("time")))


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        minute, second, zone = found.groups()
        second = _LAST_OF_MINUTE if second.startswith("60") else second
        return times.parse_rfc3339(f"{minute}{second}{zone}".upper())
    except ValueError:
        help = "write date, time and zone, as in 2026-12-01T09:00:00Z"
        raise MalformedBody(f"the CloudEvent's time is not RFC 3339; {help}") from None


def _key(webhook: Webhook, body: Json) -> str | None:
    """The operator's own dedupe key, None where there is no template for one."""
    if webhook.key is None:
        return None
    try:
        value = expressions.to_plain(expressions.compile_value(webhook.key).render({"body": body}))
    except expressions.ExpressionError as wrong:
        raise MalformedBody(f"the key cannot be made: {wrong.text}") from None
    # As texts these would be keys that many bodies share.
    if value is None or isinstance(value, bool | list | dict):
        raise MalformedBody(f"the key is {expressions.kind(value)}; it must be text or a number")
    said = value if isinstance(value, str) else jsons.dumps(value)
    if not said.strip():
        raise MalformedBody("the key is blank; it must be text or a number")
    return said


def fit_name(text: str, what: str) -> str:
    """*text* where it can be a type, subject or key; long keys become their digest."""
    if _CONTROL.search(text):
        raise MalformedBody(f"the {what} holds control characters")
    if len(text) <= LONGEST_NAME:
        return text
    if what == "key":
        return ids.digest(text)
    raise MalformedBody(f"the {what} is longer than {LONGEST_NAME} characters")
