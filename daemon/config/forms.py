"""The texts of the config that stand for something else: durations, rates, sizes, addresses, secrets.

Each is a pydantic type that reads the text and says, when it cannot, what was expected and how to write it.
``tables`` is made of them.
"""

import ipaddress
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from daemon.contract import wording
from daemon.contract.configured import Rate
from daemon.contract.secret_forms import REFERENCES, Secret
from daemon.model import times

LONGEST_DURATION = 36_500 * times.DAY  # so that no instant leaves 64 bits
SHORTEST_BEAT = times.SECOND
PERIODS = {"s": times.SECOND, "m": times.MINUTE, "h": times.HOUR, "d": times.DAY}
SIZES = {
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_RATE = re.compile(r"(\d{1,9})/(s|m|h|d)")
_SIZE = re.compile(r"(\d{1,12})(B|KB|MB|GB|KiB|MiB|GiB)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,99}")
_STEP_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_HEADER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}"  # as RFC 9110 has it
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def read_duration(value: Any) -> int:
    """Microseconds of a text such as ``"30s"``; a number in its place is told how to be written."""
    if not isinstance(value, str):
        help = f'Write it as "{value}s".' if isinstance(value, int) and not isinstance(value, bool) else ""
        raise wording.expected(f"a duration is expected, came {wording.describe(value)}", help)
    try:
        duration = times.parse_duration(value)
    except ValueError:
        help = 'Write a whole number and one of ms s m h d, as in "30s".'
        raise wording.expected(f"a duration is expected, came {wording.describe(value)}", help) from None
    if duration > LONGEST_DURATION:
        raise wording.expected(f"{value} is longer than 100 years", "Choose a shorter duration.")
    return duration


def read_interval(value: Any) -> int:
    """A duration above zero."""
    duration = read_duration(value)
    if duration == 0:
        raise wording.expected(f"a duration above zero is expected, came {value}", 'Write one, as in "30s".')
    return duration


def read_beat(value: Any) -> int:
    """How often something fires that is kept each time: every second at most."""
    interval = read_interval(value)
    if interval < SHORTEST_BEAT:
        raise wording.expected(
            f"{value} is shorter than a second", 'Write "1s" or more: each firing is kept.'
        )
    return interval


def read_rate(value: Any) -> Rate:
    """A rate such as ``"5/s"``."""
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        help = 'Write how many calls in each s, m, h or d, as in "5/s".'
        raise wording.expected(f"a rate is expected, came {wording.describe(value)}", help)
    return Rate(int(found[1]), PERIODS[found[2]])


def read_size(value: Any) -> int:
    """Bytes of a text such as ``"8MiB"``."""
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        help = f'Write a whole number and one of {" ".join(SIZES)}, as in "8MiB".'
        raise wording.expected(f"a size is expected, came {wording.describe(value)}", help)
    return int(found[1]) * SIZES[found[2]]


def read_secret(value: Any) -> Secret:
    """A secret in any of its forms; nothing of a wrong one is shown."""
    help = 'Write { env = "NAME" }, { file = "PATH" }, { credential = "NAME" } or the text itself.'
    if isinstance(value, str) and value:
        return Secret("text", value)
    if not isinstance(value, dict):
        shown = "an empty text" if value == "" else "something else"
        raise wording.expected(f"a secret is expected, came {shown}", help)
    forms = [form for form in REFERENCES if form in value]
    if len(value) != 1 or not forms:
        raise wording.expected("a secret has exactly one of env, file and credential", help)
    (place,) = value.values()
    if not isinstance(place, str) or not place:
        raise wording.expected(f"the name of a secret's {forms[0]} is expected as text", help)
    if forms[0] == "credential" and _CREDENTIAL.fullmatch(place) is None:
        raise wording.expected(f"{wording.shorten(place)} is not the name of a credential", help)
    return Secret(forms[0], place)


def read_address(value: Any) -> tuple[str, int]:
    """Host and port of ``"127.0.0.1:8080"`` or ``"[::1]:0"``."""
    text = _text(value, "an address")
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    good = colon and port.isascii() and port.isdigit() and int(port) < 65536 and _is_host(host, bare)
    if not good:
        help = 'Write HOST:PORT, as in "127.0.0.1:8080" or "[::1]:8080".'
        raise wording.expected(f"an address is expected, came {wording.describe(text)}", help)
    return bare, int(port)


def _is_host(host: str, bare: str) -> bool:
    try:
        version = ipaddress.ip_address(bare).version
    except ValueError:
        return re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})", host) is not None
    return (version == 6) == host.startswith("[")


def read_optional_address(value: Any) -> tuple[str, int] | None:
    """An address, or None for ``""``: nothing listens."""
    return None if value == "" else read_address(value)


def read_public_url(value: Any) -> str:
    """An http or https URL without query and fragment; a trailing slash is dropped."""
    text = _text(value, "a URL")
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        good = good and not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        good = False
    if not good or " " in text:
        help = 'Write it as "https://hooks.example.com", without query, fragment or password.'
        raise wording.expected("an http or https URL is expected", help)
    return text.rstrip("/")


def read_name(value: Any) -> str:
    """A name that can stand in a URL's path: an account's or a webhook's."""
    text = _text(value, "a name")
    if _NAME.fullmatch(text) is None:
        help = "Use letters, digits and _ . ~ - only, a letter or digit first."
        raise wording.expected(f"{wording.shorten(text)!r} cannot be a name here", help)
    return text


def read_header(value: Any) -> str:
    """The name of an HTTP header."""
    text = _text(value, "a header's name")
    if re.fullmatch(_HEADER, text) is None:
        help = 'Write the name alone, as in "X-Signature".'
        raise wording.expected(f"{wording.shorten(text)!r} cannot be a header's name", help)
    return text


def read_title(value: Any) -> str:
    """A name for people: any text on one line."""
    text = _text(value, "a name")
    if not text.strip() or _CONTROL.search(text) or len(text) > 200:
        raise wording.expected(
            "a name of 1 to 200 characters on one line is expected", "Give it a short name."
        )
    return text


def read_step_id(value: Any) -> str:
    """A step's id, which templates read as ``steps.ID``."""
    text = _text(value, "a step's id")
    if _STEP_ID.fullmatch(text) is None:
        raise wording.expected(
            f"{wording.shorten(text)!r} cannot be a step's id", "Use letters, digits and _ only."
        )
    return text


def read_filled(value: Any) -> str:
    """A text that is not empty."""
    text = _text(value, "text")
    if not text.strip():
        raise wording.expected("text is expected, came an empty one", "Write it, or leave the key out.")
    return text


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise wording.expected(f"{what} is expected, came {wording.describe(value)}", "Write it in quotes.")
    return value


def _texts(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


SECRET_SCHEMA = {
    "description": "A secret: text, or where it is found.",
    "oneOf": [
        {"type": "string", "minLength": 1},
        *(
            {
                "type": "object",
                "properties": {form: {"type": "string", "minLength": 1}},
                "required": [form],
                "additionalProperties": False,
            }
            for form in REFERENCES
        ),
    ],
}

Duration = Annotated[int, PlainValidator(read_duration), _texts(r"^\d{1,12}(ms|s|m|h|d)$", "30s")]
Interval = Annotated[int, PlainValidator(read_interval), _texts(r"^\d{1,12}(ms|s|m|h|d)$", "30s")]
Beat = Annotated[int, PlainValidator(read_beat), _texts(r"^\d{1,12}(ms|s|m|h|d)$", "15m")]
CallRate = Annotated[Rate, PlainValidator(read_rate), _texts(r"^\d{1,9}/(s|m|h|d)$", "5/s")]
Size = Annotated[int, PlainValidator(read_size), _texts(r"^\d{1,12}(B|[KMG]B|[KMG]iB)$", "8MiB")]
SecretForm = Annotated[Secret, PlainValidator(read_secret), WithJsonSchema(SECRET_SCHEMA)]
Address = Annotated[tuple[str, int], PlainValidator(read_address), _texts(r"^.+:\d{1,5}$", "127.0.0.1:8080")]
OptionalAddress = Annotated[
    tuple[str, int] | None,
    PlainValidator(read_optional_address),
    _texts(r"^(.+:\d{1,5})?$", "127.0.0.1:8081"),
]
PublicUrl = Annotated[
    str, PlainValidator(read_public_url), _texts(r"^https?://", "https://hooks.example.com")
]
Name = Annotated[str, PlainValidator(read_name), _texts(r"^[A-Za-z0-9][A-Za-z0-9_.~-]*$", "orders")]
Header = Annotated[str, PlainValidator(read_header), _texts(f"^{_HEADER}$", "X-Signature")]
Title = Annotated[str, PlainValidator(read_title), WithJsonSchema({"type": "string", "minLength": 1})]
StepId = Annotated[str, PlainValidator(read_step_id), _texts(r"^[A-Za-z0-9_-]+$", "grid")]
Filled = Annotated[str, BeforeValidator(read_filled)]
