"""How a connector says what it can do: actions, watches, webhooks, events.

The decorators turn one plain function into one value (:class:`Action`, :class:`Watch`, :class:`Webhook`) that
carries its name, its documentation and its schemas; nothing is registered anywhere. A connector lists them in
explicit tuples in its ``__init__``. Read by ``intake``, ``running``, ``checking`` and ``reference``.

The bases of the models defer their building: a daemon knows many and uses few, so each is built when it is first used.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, get_type_hints
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from daemon.contract.actions import Action as Action
from daemon.contract.actions import Actions as Actions
from daemon.contract.actions import Parameters as Parameters
from daemon.contract.actions import Result as Result
from daemon.contract.actions import action as action
from daemon.contract.actions import listed as listed
from daemon.contract.calls import Call as Call
from daemon.contract.calls import Done as Done
from daemon.contract.calls import Follow as Follow
from daemon.contract.calls import Probe as Probe
from daemon.contract.http import Http
from daemon.contract.registering import Registering
from daemon.model import records
from daemon.model.events import Fact
from daemon.model.jsons import Json, JsonObject

Id = Annotated[str, Field(min_length=1)]
"""A remote id given as text."""


class Options(BaseModel):
    """Base of a watch's own options (``ids``, ``project_id`` …): unknown names are errors."""

    model_config = ConfigDict(defer_build=True, extra="forbid")


class EventData(BaseModel):
    """Base of an event's ``data``. ``type`` and ``subject`` say what it is; ``example`` is one that
    validates.

    Undocumented vendor fields pass through below the documented ones.
    """

    model_config = ConfigDict(defer_build=True, extra="allow", populate_by_name=True)
    type: ClassVar[str]
    subject: ClassVar[str]
    example: ClassVar[JsonObject]


class Settings(BaseModel):
    """Base of an account's own keys in ``[services.NAME]``: ``base_url`` and the credentials.

    Credentials are ``pydantic.SecretStr``; an error about one never quotes it. The keys that every account
    has (``timeout rate concurrency readback``) are not repeated here.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", hide_input_in_errors=True)
    base_url: str

    @field_validator("base_url")
    @classmethod
    def strip_base_url(cls, text: str) -> str:
        """*text* without its trailing slash; :class:`ValueError` if it is no plain http address."""
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError('base_url is an http or https address, as in "https://api.example.com"')
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("base_url holds no query, fragment or user; credentials have keys of their own")
        return text.rstrip("/")


@records.record
class Cursor:
    """What a watch remembers, given to its next poll.

    *memory* holds what was remembered of each remote object, by :attr:`Seen.id`. *wanted* are the ids to look
    at, or None for all there are. *announce* is false at the very first poll of a watch (without
    ``backfill``): what exists already is remembered and not told. For followed and called-back objects it
    is true. *callbacks* counts the callbacks that have come for an id so far, *hinted* are the ids that a
    callback asked to look at,
    *claims* what those callbacks said (:attr:`Claim.claimed`), where it is known: what all of them invented is
    not told. *now* is the instant of the poll.
    """

    memory: Mapping[str, JsonObject]
    wanted: tuple[str, ...] | None
    announce: bool
    now: int
    callbacks: Mapping[str, int] = field(default_factory=dict)
    hinted: frozenset[str] = frozenset()
    claims: Mapping[str, Sequence[JsonObject]] = field(default_factory=dict)


@records.record
class Seen:
    """One remote object as a poll (or a trusted callback) found it.

    *id* is the object's id within its account and resource; where the vendor's ids are only unique within a
    parent it is ``parent/id``. *memory* is what to remember. *facts* are what changed. *state* is the
    vendor's own word for where it stands (for ``stalled_after``); *final* says that nothing more comes by
    itself.
    *resource* is the object as events show it. A waiting step is given *result* when *final*, or fails with
    *failure*. *gone* says that it does not exist any more: it is forgotten after its facts are told. *hook* is whether
    the service says that it will call back about it, None where it does not tell. *error* is why it could not be read,
    where other things could: then the watch has failed, and all that was seen is kept.
    """

    id: str
    memory: JsonObject
    facts: Sequence[Fact] = ()
    subject: str = ""
    state: str | None = None
    final: bool = False
    result: JsonObject | None = None
    failure: str | None = None
    resource: JsonObject = field(default_factory=dict)
    gone: bool = False
    hook: bool | None = None
    error: str | None = None


WatchFunction = Callable[[Any, Any, Cursor], Awaitable[Sequence[Seen]]]


@dataclass(frozen=True, slots=True)
class Watch:
    """A resource that can be polled: ``(client, options, cursor) -> what was seen``.

    *resource* is the word in ``[[watch]] resource``; *noun* stands in event types (``popily.source.stalled``).
    *events* are the types it can tell. *wanted* gives the remote ids that the options name, or None for all.
    *scope* is the part of :attr:`Seen.id` before the slash that the options fix (a project's id), or "".
    """

    resource: str
    noun: str
    about: str
    options: type[Options]
    events: tuple[str, ...]
    poll: WatchFunction
    wanted: Callable[[Any], tuple[str, ...] | None]
    scope: Callable[[Any], str]


@records.record
class Claim:
    """What a callback's body says, once it is understood.

    *resource* and *id* name the followed row that reads it back (*options* are that watch's), or *id* is None
    where the sender gave no way to name it. *claimed* is the part that a read-back is compared with and shown
    as ``claimed``; *told_of* is what else of the body ``Webhook.told`` needs. *pop_id* and *tracer_id* go into the
    event ``populr.callback.received``, which shows the whole body.
    """

    hook: str
    subject: str
    resource: str
    id: str
    options: JsonObject
    claimed: JsonObject
    pop_id: str
    tracer_id: str | None = None
    told_of: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """How often a service calls about one object before it stops for good.

    *firings* is how often, *first* how long after the first thing to tell the first call comes, *every* how far apart
    the calls are after that (microseconds). *resource* names the watch that looks at such an object, *options* gives
    that watch's options for the object's id.
    """

    resource: str
    firings: int
    first: int
    every: int
    options: Callable[[str], JsonObject]


@dataclass(frozen=True, slots=True)
class Webhook:
    """A callback that a service sends.

    *understand* reads the decoded JSON and the query string (:class:`~daemon.contract.errors.MalformedBody`
    if it is not the documented shape). *told* makes the typed facts when the body itself is trusted
    (read-back off), from what was remembered and the number of callbacks so far, this one included: None
    means that it says nothing new. *news* says, with read-back on, whether a claim could be news beside
    what is remembered (False: counters equal or gone back). *judge* compares a claim with the memory that a
    poll made (None: not there).
    *repair* is given a body that is not JSON and answers what the sender must have meant, or None. All are
    pure. *query* is what a URL ends in when it is registered, for the sender to fill in. *budget* is there where the
    number of calls about one object is limited.
    """

    hook: str
    about: str
    event: str
    understand: Callable[[Json, Mapping[str, str]], Claim]
    told: Callable[[Claim, JsonObject | None, int], Seen | None]
    news: Callable[[Claim, JsonObject | None], bool]
    judge: Callable[[Claim, JsonObject | None], "Verdict"]
    repair: Callable[[bytes], bytes | None] = lambda _raw: None
    query: str = ""
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a read-back says of a claim: ``confirmed``, ``superseded`` or ``refuted``, and what was found."""

    word: str
    found: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether an account's credentials work: *authorized*, the service's version if it tells one."""

    authorized: bool
    version: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """One service: its kind, its settings, and everything it can do.

    *client* makes the vendor's client from the account's settings and the one HTTP client. *ping* asks the
    cheapest question that needs credentials. *secret_names* are the vendor's field names that are blanked
    wherever they stand in payloads. General actions have a connector whose *settings* is None: no account.
    *registering* is there where callbacks are registered by calls, for ``plan`` and ``apply``. *judge_target* is there
    where people are told things: what is wrong with an address of ``[notify]`` and what to do, "" twice for nothing.
    """

    kind: str
    about: str
    settings: type[Settings] | None
    client: Callable[[Any, Http], Any]
    ping: Callable[[Any], Awaitable[Ping]] | None
    actions: Actions
    watches: tuple[Watch, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    events: tuple[type[EventData], ...] = ()
    secret_names: frozenset[str] = frozenset()
    registering: Registering | None = None
    judge_target: Callable[[str], tuple[str, str]] | None = None


def watch(
    resource: str,
    *,
    noun: str,
    events: tuple[str, ...],
    wanted: Callable[[Any], tuple[str, ...] | None],
    scope: Callable[[Any], str] = lambda _options: "",
) -> Callable[[WatchFunction], Watch]:
    """Make a :class:`Watch` of ``async def f(client, options: O, cursor: Cursor) -> Sequence[Seen]``."""

    def declared(function: WatchFunction) -> Watch:
        options = list(inspect.signature(function).parameters)[1]
        return Watch(
            resource=resource,
            noun=noun,
            about=inspect.getdoc(function) or "",
            options=get_type_hints(function)[options],
            events=events,
            poll=function,
            wanted=wanted,
            scope=scope,
        )

    return declared
