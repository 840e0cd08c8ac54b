"""What the operator configured, as the rooms receive it: accounts and the three kinds of trigger.

``config`` makes these values, ``app`` hands them on, ``intake`` and ``running`` work by them. Reactions are
in ``daemon.model.reactions``. Durations and instants are integer microseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from daemon.contract.declare import Settings
from daemon.contract.secret_forms import Secret
from daemon.model.jsons import JsonObject

Verify = Literal["standard-webhooks", "hmac-sha256", "token"]
Misfire = Literal["run", "skip"]
Gap = Literal["after", "skip"]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most *count* calls in each *period* (microseconds)."""

    count: int
    period: int


@dataclass(frozen=True, slots=True)
class Account:
    """One ``[services.NAME]``. *settings* is of its kind's own model, with the secrets resolved."""

    name: str
    kind: str
    settings: Settings
    timeout: int
    rate: Rate
    concurrency: int
    readback: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """What actions without an account may touch. *write_below* are folders of this machine, from the root on;
    *targets* the addresses of ``[notify]``, by name.
    """

    write_below: tuple[str, ...] = ()
    targets: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One ``[[webhook]]``: any other sender. *key* is a template over ``body``, or None for the usual key."""

    name: str
    verify: Verify
    header: str | None
    secret: Secret
    type: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """One ``[[watch]]``. *options* are the resource's own, as its ``options`` model wants them."""

    name: str
    account: str
    resource: str
    every: int
    stalled_after: int | None
    backfill: bool
    options: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Callback:
    """One ``[[callback]]``: what *account* is to call us about. *tracer* is a tracer's name; None: collaboration."""

    account: str
    pop_id: str
    tracer: str | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """One ``[[schedule]]``: exactly one of *cron*, *every* and *at* is given. *at* is an instant."""

    name: str
    cron: str | None
    every: int | None
    at: int | None
    timezone: str
    misfire: Misfire
    gap: Gap
    data: JsonObject = field(default_factory=dict)
