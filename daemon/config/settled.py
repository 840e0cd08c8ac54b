"""The config once it is settled: what ``read`` gives, and ``app`` builds the daemon from.

Durations are microseconds, sizes bytes. Nothing here shows a secret in its ``repr``.
"""

from dataclasses import dataclass, field
from typing import Literal

from daemon.contract.configured import Account, Callback, Schedule, Watch, Webhook
from daemon.contract.secret_forms import Secret
from daemon.model.reactions import Reaction


@dataclass(frozen=True, slots=True)
class Daemon:
    """``[daemon]``."""

    node: str
    log_level: str
    log_format: Literal["auto", "json", "console"]
    drain_timeout: int
    lease: int
    write_below: tuple[str, ...] = ()
    read_below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """``[database]``. *url* names an absolute file, or a PostgreSQL database with its password."""

    url: str = field(repr=False)
    max_payload: int


@dataclass(frozen=True, slots=True)
class Http:
    """``[http]``. Addresses are host and port; *admin_listen* None: the admin side is off."""

    public_listen: tuple[str, int]
    admin_listen: tuple[str, int] | None
    public_url: str | None
    webhook_secret: Secret | None
    admin_token: Secret | None
    max_body: int
    allow_hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """``[retention]``."""

    events: int
    runs: int


@dataclass(frozen=True, slots=True)
class Config:
    """The whole config.

    *inline* holds the texts of the secrets that stand in steps' parameters: a reaction itself has
    ``{"inline": "REACTION/STEP/PARAMETER"}`` in their place, so that no stored definition holds a secret,
    and a pinned run goes on with the present one. Such a text is a template.
    *notify* holds the addresses that people are told things at, by name; each use resolves its own anew.
    *known_secrets* are all secrets that could be had, for the blanker.
    """

    daemon: Daemon
    database: Database
    http: Http
    retention: Retention
    accounts: dict[str, Account]
    webhooks: tuple[Webhook, ...]
    watches: tuple[Watch, ...]
    schedules: tuple[Schedule, ...]
    reactions: tuple[Reaction, ...]
    inline: dict[str, str] = field(repr=False)
    known_secrets: frozenset[str] = field(repr=False)
    callbacks: tuple[Callback, ...] = ()
    notify: dict[str, Secret] = field(default_factory=dict)
