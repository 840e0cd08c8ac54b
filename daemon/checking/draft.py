"""The config as the checks see it: its tree, read leniently.

What has not the right form is left out here, because ``config`` has said so already; what is left can still
be checked. Made by :func:`draft`, read by every other module of this room.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.model import reactions
from daemon.model.jsons import JsonObject
from daemon.model.problems import Path

WATCH_KEYS = frozenset({"name", "service", "resource", "every", "stalled_after", "backfill"})


@dataclass(frozen=True, slots=True)
class Account:
    """One ``[services.NAME]``; *kind* is its name where none is given, None where it is no text."""

    path: Path
    name: str
    kind: str | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """One ``[[webhook]]``."""

    path: Path
    name: str | None
    type: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """One ``[[watch]]``. *options* are what stands beside the common keys."""

    path: Path
    name: str | None
    account: str | None
    resource: str | None
    options: JsonObject


@dataclass(frozen=True, slots=True)
class Schedule:
    """One ``[[schedule]]``. *given* are its keys, *table* its values."""

    path: Path
    name: str | None
    table: Mapping[str, Any]

    @property
    def data(self) -> JsonObject:
        """What its events carry beside ``scheduled_for``."""
        return _table(self.table.get("data"))


@dataclass(frozen=True, slots=True)
class Callback:
    """One ``[[callback]]``. *given* are its keys."""

    path: Path
    account: str | None
    pop_id: str | None
    tracer: str | None
    collaboration: bool
    given: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One ``[[reaction.do]]``. *id* is as it will be called; *own* whether the config gives it.

    Not *formed*: its ``with`` is no table, so nothing is missing from it.
    """

    path: Path
    id: str
    own: bool
    action: str | None
    account: str | None
    condition: str | None
    parameters: JsonObject
    formed: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[[reaction]]``. *on* holds each pattern with its path."""

    path: Path
    name: str | None
    on: tuple[tuple[Path, str], ...]
    source: str | None
    subject: str | None
    when: str | None
    for_each: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that is configured. Not *whole*: a file could not be read, so names may be missing."""

    accounts: tuple[Account, ...]
    webhooks: tuple[Webhook, ...]
    watches: tuple[Watch, ...]
    schedules: tuple[Schedule, ...]
    rules: tuple[Rule, ...]
    http: JsonObject = field(default_factory=dict)
    daemon: JsonObject = field(default_factory=dict)
    notify: JsonObject = field(default_factory=dict)
    callbacks: tuple[Callback, ...] = ()
    whole: bool = True

    def account(self, name: str) -> Account | None:
        """The account called *name*."""
        return next((one for one in self.accounts if one.name == name), None)

    def accounts_of(self, kind: str) -> list[str]:
        """The names of the accounts of *kind*."""
        return [one.name for one in self.accounts if one.kind == kind]


def draft(tree: JsonObject, *, whole: bool) -> Draft:
    """The :class:`Draft` of a merged *tree*."""
    accounts = tuple(
        Account(("services", name), name, _text(_table(table).get("kind", name)))
        for name, table in _table(tree.get("services")).items()
        if isinstance(table, dict)
    )
    return Draft(
        accounts=accounts,
        webhooks=tuple(
            Webhook(path, _text(one.get("name")), _text(one.get("type")), _text(one.get("key")))
            for path, one in _items(tree, "webhook", ())
        ),
        watches=tuple(_watch(path, one) for path, one in _items(tree, "watch", ())),
        schedules=tuple(
            Schedule(path, _text(one.get("name")), one) for path, one in _items(tree, "schedule", ())
        ),
        rules=tuple(_rule(path, one) for path, one in _items(tree, "reaction", ())),
        http=_table(tree.get("http")),
        daemon=_table(tree.get("daemon")),
        notify=_table(tree.get("notify")),
        callbacks=tuple(_callback(path, one) for path, one in _items(tree, "callback", ())),
        whole=whole,
    )


def _watch(path: Path, table: JsonObject) -> Watch:
    return Watch(
        path=path,
        name=_text(table.get("name")),
        account=_text(table.get("service")),
        resource=_text(table.get("resource")),
        options={key: value for key, value in table.items() if key not in WATCH_KEYS},
    )


def _callback(path: Path, table: JsonObject) -> Callback:
    return Callback(
        path=path,
        account=_text(table.get("service")),
        pop_id=_text(table.get("pop_id")),
        tracer=_text(table.get("tracer")),
        collaboration=table.get("collaboration") is True,
        given=frozenset(table),
    )


def _rule(path: Path, table: JsonObject) -> Rule:
    on = table.get("on")
    patterns = [((*path, "on"), on)] if isinstance(on, str) else []
    if isinstance(on, list):
        patterns = [((*path, "on", number), one) for number, one in enumerate(on) if isinstance(one, str)]
    return Rule(
        path=path,
        name=_text(table.get("name")),
        on=tuple(patterns),
        source=_text(table.get("source")),
        subject=_text(table.get("subject")),
        when=_text(table.get("when")),
        for_each=_text(table.get("for_each")),
        steps=_steps(path, table),
    )


def _steps(path: Path, table: JsonObject) -> tuple[Step, ...]:
    given = list(_items(table, "do", path))
    own = [_text(one.get("id")) for _, one in given]
    actions = [_text(one.get("action")) for _, one in given]
    ids = reactions.step_ids(own, [action or "" for action in actions])
    return tuple(
        Step(
            path=at,
            id=id,
            own=given_id is not None,
            action=action,
            account=_text(one.get("service")),
            condition=_text(one.get("if")),
            parameters=_table(one.get("with")),
            formed=isinstance(one.get("with", {}), dict),
        )
        for (at, one), id, given_id, action in zip(given, ids, own, actions, strict=True)
    )


def _items(table: JsonObject, key: str, path: Path) -> Iterator[tuple[Path, JsonObject]]:
    given = table.get(key)
    for number, one in enumerate(given if isinstance(given, list) else []):
        if isinstance(one, dict):
            yield (*path, key, number), one


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _table(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}
