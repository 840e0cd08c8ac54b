"""Secrets: how a model marks them, and the one place where they are blanked.

Everything that enters the journal passes a :class:`Blanker` first: events, requests, responses, errors, rejections.
What a watch reads is blanked while it is read (:func:`blanked_reading`): what is remembered and what is found are then
compared alike, and a signed address that is another at every look is no change.
"""

import functools
import hmac
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Annotated, Any, get_args

import orjson
from pydantic import BaseModel
from pydantic_core import SchemaError, SchemaValidator, core_schema

from daemon.model import ids
from daemon.model.jsons import Json

BLANK = "[blanked]"

# user:password@ in any URL or connection string; it begins with plain text, which is searched for fast. Passwords are
# written there with @ and / in them, too: the last @ of the part ends it, or the first one behind a slash, unless what
# stands before that slash is a port.
_USERINFO = re.compile(r"://[^/\s@:]*:(?:[^/\s]*@|(?!\d{1,5}/)[^\s@\"]*@)")
# Pairs: signed links and keys in query strings, connection strings of the form ``host=db password=x``. A quoted value
# may hold spaces.
_SIGNING = ("sig", "signature")
_KEYS = ("api_key", "share_key", "token", "access_token", "password", "passwd", "pwd")
_PAIR = re.compile(
    rf"""(?i)((?<=[?&])(?:{"|".join(_SIGNING)})|(?<![a-z0-9_])(?:{"|".join(_KEYS)}))="""
    r"""(?=[^&\s])(?:'[^']*'?|"[^"]*"?)*[^&\s"']*"""
)
_PAIR_MARKS = tuple(f"{name}=" for name in (*_SIGNING, *_KEYS))
# Secrets that are a part of a path: Compass's tokens, the keys of Redash's public dashboards.
_IN_PATH = re.compile(r"(?:(?<=/tokens/)|(?<=/public/dashboards/))[\w-]{16,}")
# What walking may blank whatever names and values are secret, for one search with those: more is found here than is
# blanked there, and never less.
_ANYWHERE = (
    r"://[^/\s@:]*:\S*@",
    f"(?i:{'|'.join((*_SIGNING, *_KEYS))})=",
    "/tokens/",
    "/public/dashboards/",
)
# How a quotation mark may look in a text that quotes JSON, Python or HTML.
_QUOTE = r"(?:\\*[\"']|&quot;|&#3[49];|&#x27;)"


def is_equal(given: str, expected: str) -> bool:
    """Whether two secret texts are the same, in a time that tells nothing about where they differ: it depends on the
    length of what was *given*."""
    return hmac.compare_digest(
        expected.encode("utf-8", "surrogateescape"), given.encode("utf-8", "surrogateescape")
    )


class Secret:
    """Marks a model's field as secret: ``Annotated[str, Secret()]``. Its value is blanked by its name."""


SecretText = Annotated[str, Secret()]
"""A text parameter or payload field that is never stored, logged or shown."""


@functools.cache  # asked for every call; there are as many models as actions
def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """The names of *model*'s own fields that are marked with :class:`Secret`."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if any(isinstance(mark, Secret) for mark in field.metadata) or _marks_inside(field.annotation)
    )


def _marks_inside(annotation: Any) -> bool:
    """Whether a union holds a marked member (``SecretText | None``)."""
    return any(
        isinstance(mark, Secret)
        for member in get_args(annotation)
        for mark in getattr(member, "__metadata__", ())
    )


def _is_plain(text: str) -> bool:
    """Whether *text* looks the same in JSON text."""
    return text.isascii() and text.isprintable() and not {'"', "\\"} & set(text)


def _may_quote(text: str) -> bool:
    """Whether something may be quoted in the JSON text *text*: each way of it (``_QUOTE``) needs one of these."""
    return "\\" in text or "'" in text or "&" in text


def _search(*patterns: str) -> Callable[[str], bool]:
    """What tells whether one of *patterns* stands in a text. They are one automaton, so they have no lookaround: a text
    is gone through once, in a sixth of the time that a search for each word takes. Where it would be too large (secrets
    of a megabyte in all) every text is said to hold one.
    """
    schema = core_schema.str_schema(pattern="|".join(patterns), regex_engine="rust-regex")
    try:
        return SchemaValidator(schema).isinstance_python
    except SchemaError:
        return _everywhere


def _everywhere(_text: str) -> bool:
    return True


class Blanker:
    """Blanks by field name and by known value.

    *names* are payload fields whose values are secret; *values* are texts (the configured credentials) that must
    not stand anywhere, at least eight characters long so that a short one does not blank innocent text.
    """

    def __init__(self, names: Iterable[str] = (), values: Iterable[str] = ()) -> None:
        self.names = self._names = frozenset(name.lower() for name in names)
        named = "|".join(re.escape(name) for name in sorted(self._names))
        self._members = re.compile(rf'(?i)("(?:{named})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s",\]}}]+)', re.DOTALL)
        self._quoted = re.compile(
            rf"(?i)({_QUOTE}(?:{named}){_QUOTE}\s*:\s*{_QUOTE})(?:(?!{_QUOTE}).)*", re.DOTALL
        )
        self._values = sorted({value for value in values if len(value) >= 8}, key=len, reverse=True)
        keys = [f'(?i:{named})"'] if self._names else []  # their ends
        # What JSON has to escape looks another way in its text, and is told by walking only.
        is_plain = all(_is_plain(text) for text in (*self._names, *self._values))
        self._holds = _search(*_ANYWHERE, *keys, *map(re.escape, self._values)) if is_plain else _everywhere

    def value(self, value: Json, raw: bytes | None = None) -> Json:
        """*value* with every secret replaced by ``[blanked]``, in keys too; empty values stay. A copy, or *value*
        itself where nothing is to be blanked. *raw* is what it was read from, where that is at hand."""
        return self._walked(value) if self._is_suspicious(value, raw) else value

    def _is_suspicious(self, value: Json, raw: bytes | None) -> bool:
        """Whether a secret may stand in *value*, judged by its JSON text: a tenth of the cost of walking it, and
        most payloads hold none. Whatever walking would blank is found here."""
        try:  # without a backslash each text stands in *raw* as it is
            text = (raw if raw is not None and b"\\" not in raw else orjson.dumps(value)).decode()
        except (orjson.JSONEncodeError, UnicodeDecodeError):
            return True
        return self._holds(text) or (_may_quote(text) and any(name in text.lower() for name in self._names))

    def _walked(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {
                self.text(key): BLANK if item and key.lower() in self._names else self._walked(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._walked(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """*text* without known secret values, ``user:password@`` parts, secret ``name=value`` pairs, secrets in
        paths, and members that are secret by their name, where it quotes some."""
        for secret in self._values:
            if secret in text:
                text = text.replace(secret, BLANK)
        if "://" in text:
            text = _USERINFO.sub(f"://{BLANK}@", text)
        lower = text.lower()
        if "=" in text and any(mark in lower for mark in _PAIR_MARKS):
            text = _PAIR.sub(rf"\1={BLANK}", text)
        if "/tokens/" in text or "/public/dashboards/" in text:
            text = _IN_PATH.sub(BLANK, text)
        if ":" in text and any(name in lower for name in self._names):
            text = self._quoted.sub(rf"\1{BLANK}", self._members.sub(rf'\1"{BLANK}"', text))
        return text

    def key(self, key: str) -> str:
        """*key*, what tells one thing from others: its digest where it holds a secret, so that it still does."""
        return key if self.text(key) == key else ids.digest(key)

    def fragment(self, text: str) -> str:
        """*text* that was meant to be JSON, without the members that are secret by their name, however it is cut."""
        return self.text(self._members.sub(rf'\1"{BLANK}"', text) if self._names else text)


_reading: ContextVar[Blanker | None] = ContextVar("blanked_reading", default=None)


class blanked_reading:  # noqa: N801 - it is used as a verb
    """What services answer inside is blanked by *blanker* before anybody sees it: a poll remembers what it reads."""

    __slots__ = ("_blanker", "_token")

    def __init__(self, blanker: Blanker) -> None:
        self._blanker = blanker

    def __enter__(self) -> None:
        self._token = _reading.set(self._blanker)

    def __exit__(self, *_how: object) -> None:
        _reading.reset(self._token)


def as_read(value: Json) -> Json:
    """*value*, blanked where what is read is to be (:func:`blanked_reading`)."""
    blanker = _reading.get()
    return blanker.value(value) if blanker is not None else value
