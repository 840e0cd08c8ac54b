"""Reactions: rules from the config, and the pinned form of them that runs keep."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache

from daemon.model import events, jsons
from daemon.model.jsons import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried (the first time counts), and how long between (microseconds)."""

    attempts: int = 12
    first: int = 2_000_000
    max: int = 900_000_000


@dataclass(frozen=True, slots=True)
class Do:
    """One step of a reaction. *account* is None for actions that speak to no service."""

    id: str
    action: str
    account: str | None
    condition: str | None
    parameters: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class Reaction:
    """A rule: on which event, when, do what. *timeout* is in microseconds. *markers* says whether actions may leave a
    mark by which a probe recognises what they made.
    """

    name: str
    on: tuple[str, ...]
    source: str | None
    subject: str | None
    when: str | None
    for_each: str | None
    timeout: int
    retry: Retry
    on_doubt: str
    enabled: bool
    do: tuple[Do, ...]
    markers: bool = True

    @cached_property
    def digest(self) -> str:
        """A fingerprint of everything that decides what a run of this reaction does."""
        return jsons.fingerprint(to_json(self))


def to_json(reaction: Reaction) -> JsonObject:
    """The definition as one JSON object; :func:`from_json` gives the same reaction back."""
    return {
        "name": reaction.name,
        "on": list(reaction.on),
        "source": reaction.source,
        "subject": reaction.subject,
        "when": reaction.when,
        "for_each": reaction.for_each,
        "timeout": reaction.timeout,
        "retry": {
            "attempts": reaction.retry.attempts,
            "first": reaction.retry.first,
            "max": reaction.retry.max,
        },
        "on_doubt": reaction.on_doubt,
        "enabled": reaction.enabled,
        "markers": reaction.markers,
        "do": [
            {
                "id": do.id,
                "action": do.action,
                "account": do.account,
                "if": do.condition,
                "with": do.parameters,
            }
            for do in reaction.do
        ],
    }


def from_json(value: Json) -> Reaction:
    """The reaction that :func:`to_json` wrote."""
    return Reaction(
        name=value["name"],
        on=tuple(value["on"]),
        source=value["source"],
        subject=value["subject"],
        when=value["when"],
        for_each=value["for_each"],
        timeout=value["timeout"],
        retry=Retry(**value["retry"]),
        on_doubt=value["on_doubt"],
        enabled=value["enabled"],
        markers=value["markers"],
        do=tuple(Do(do["id"], do["action"], do["account"], do["if"], do["with"]) for do in value["do"]),
    )


def step_ids(given: Sequence[str | None], actions: Sequence[str]) -> list[str]:
    """The steps' ids; one that is not given is its action's own name, numbered where that is taken."""
    taken = {id for id in given if id is not None}
    ids: list[str] = []
    for id, action in zip(given, actions, strict=True):
        name = action.rpartition(".")[2]
        number = 1
        made = name
        while id is None and made in taken:
            number += 1
            made = f"{name}_{number}"
        ids.append(made if id is None else id)
        taken.add(ids[-1])
    return ids


@lru_cache(maxsize=4096)
def matches_glob(pattern: str, text: str) -> bool:
    """Whether *text* fits *pattern*: ``*`` is any text, dots too, ``?`` one character; case counts."""
    # fnmatch would read [abc] as a set; here brackets are plain characters.
    return fnmatchcase(text, re.sub(r"([\[])", r"[\1]", pattern))


def matches_type(pattern: str, type: str) -> bool:
    """Whether an event *type* fits an ``on`` pattern; a bare ``*`` leaves our own and hint events out."""
    if pattern == "*" and type.startswith(events.QUIET_TYPES):
        return False
    return pattern == type or matches_glob(pattern, type)
