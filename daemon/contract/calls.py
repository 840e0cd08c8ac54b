"""One call of an action: what it is told, what it answers, and how a lost one is looked for.

Connectors use these names through ``declare``; ``running`` makes the calls.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from daemon.model import records
from daemon.model.events import Fact
from daemon.model.jsons import Json, JsonObject

R = TypeVar("R", bound=BaseModel)


@records.record
class Call:
    """What an action is told about the step that calls it.

    *marker* is short, deterministic and unique to this step of this run: for names and titles that a later
    look must recognise; "" where the reaction turns markers off. *first_sent_at* is when an earlier attempt of
    the same step was first sent, or None.
    *callback_url* gives this daemon's own callback URL for a hook (``"tracer"``, ``"collaboration"``) of the
    same account. Instants are microseconds. *so_far* is what an earlier attempt of the same step has done and said so
    (``ServiceError.so_far``), or None.
    """

    run_id: str
    step_id: str
    marker: str
    now: int
    first_sent_at: int | None
    callback_url: Callable[[str], str]
    so_far: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Follow:
    """Remote work that was started and is to be watched until its final state.

    *resource* names one of the connector's watches, *id* the remote object in that watch's own form (the same
    text as :attr:`Seen.id`), *options* what the watch needs beside the id, *memory* what is known already.
    """

    resource: str
    id: str
    memory: JsonObject
    options: JsonObject = field(default_factory=dict)


@records.record
class Done(Generic[R]):
    """What an action did.

    *facts* become events in the transaction of the outcome. *state* is written with it (None deletes a key).
    *made* names remote objects that were created, as ``(noun, remote id)``. With *follow* the daemon watches on.
    *calls_us* names new objects that the service calls us about a limited number of times, as ``(resource, id)`` of our
    own watch: they are looked at now and then, in case no call comes.
    """

    result: R
    facts: Sequence[Fact] = ()
    follow: Follow | None = None
    made: Sequence[tuple[str, str]] = ()
    state: Mapping[str, Json] = field(default_factory=dict)
    calls_us: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """How a probed action finds out whether an earlier call of the same step took effect.

    *about* says in a sentence what is looked for. ``look(client, parameters, call, before)`` answers what the call
    made, to be adopted as its outcome; None when it took no effect, so that it is made again; and raises
    :class:`~daemon.contract.errors.Unclear` when the service shows something that fits neither: the step is held.
    It may complete what was done in part. ``note(client, parameters)`` is asked before the first call for what is
    there already (ids, counts), which is stored with the intent and given to *look* as *before* (None where there
    is no *note*). ``lock(parameters)`` names the remote object that no other run of the account may change between
    note and outcome: where a probe counts; "" where these parameters need no lock. ``relies_on_marker(parameters)``
    tells whether this call is recognised by its marker alone; with markers turned off it is unsafe then.
    """

    about: str
    look: Callable[[Any, Any, Call, JsonObject | None], Awaitable[Done[Any] | None]]
    note: Callable[[Any, Any], Awaitable[JsonObject]] | None = None
    lock: Callable[[Any], str] | None = None
    relies_on_marker: Callable[[Any], bool] = lambda _parameters: False
