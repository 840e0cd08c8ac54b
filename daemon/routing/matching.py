"""Which runs an event asks for. Pure: the router reads, this decides, the router writes.

A condition that cannot be evaluated is no silent "no": it makes a dead run that says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daemon import expressions
from daemon.model import jsons, reactions, records, scope
from daemon.model.events import Event
from daemon.model.jsons import Json
from daemon.model.reactions import Reaction

MOST_ITEMS = 10_000  # runs that one for_each may make


@records.record
class Wish:
    """A run that *event* asks of *reaction*: for one item, or a dead one that tells *error*."""

    reaction: Reaction
    item_key: str = ""
    item: Json = None
    error: str | None = None


@dataclass(slots=True)
class Rules:
    """The reactions of the config, indexed by the event types that were met so far."""

    reactions: Sequence[Reaction]
    _by_type: dict[str, list[Reaction]] = field(default_factory=dict)

    def for_type(self, type: str) -> list[Reaction]:
        """The enabled reactions whose ``on`` fits *type*."""
        found = self._by_type.get(type)
        if found is None:
            found = [one for one in self.reactions if one.enabled and listens(one, type)]
            self._by_type[type] = found
        return found


def listens(reaction: Reaction, type: str) -> bool:
    """Whether any pattern of *reaction*'s ``on`` fits *type*."""
    return any(reactions.matches_type(pattern, type) for pattern in reaction.on)


def wishes(rules: Rules, event: Event, now: int, state: Mapping[str, Json]) -> list[Wish]:
    """The runs that *event* asks for. :class:`~daemon.model.scope.StateNeeded` for a state key not in
    *state*.
    """
    return [
        wish
        for reaction in rules.for_type(event.type)
        if _is_meant(reaction, event)
        for wish in of_reaction(reaction, event, now, state)
    ]


def _is_meant(reaction: Reaction, event: Event) -> bool:
    """Whether *event*'s source and subject fit *reaction*'s globs."""
    return (reaction.source is None or reactions.matches_glob(reaction.source, event.source)) and (
        reaction.subject is None or reactions.matches_glob(reaction.subject, event.subject)
    )


def of_reaction(reaction: Reaction, event: Event, now: int, state: Mapping[str, Json]) -> list[Wish]:
    """The runs that *event* asks of one *reaction* whose type, source and subject fit."""
    try:
        seen = scope.build(event, now, state)
        if reaction.when is not None and not expressions.compile_condition(reaction.when).holds(seen):
            return []
        if reaction.for_each is None:
            return [Wish(reaction)]
        return _each(reaction, event, expressions.compile_condition(reaction.for_each).value(seen))
    except expressions.ExpressionError as wrong:
        return [Wish(reaction, error=str(wrong))]
    except scope.StateNeeded:
        raise
    except Exception as bug:  # a mistake of ours: it is this event's misfortune, not that of all behind it
        return [
            Wish(reaction, error=f"whether the event is meant could not be told: {type(bug).__name__}: {bug}")
        ]


def _each(reaction: Reaction, event: Event, items: Any) -> list[Wish]:
    if items is None:
        return [Wish(reaction, error=f"for_each gave no list but null{_why_null(event)}")]
    if not isinstance(items, list | tuple):
        return [Wish(reaction, error=f"for_each gave no list but {expressions.kind(items)}")]
    if len(items) > MOST_ITEMS:
        return [
            Wish(
                reaction,
                error=f"for_each gave {len(items)} items; at most {MOST_ITEMS} runs are made of one event",
            )
        ]
    return [Wish(reaction, str(place), expressions.to_plain(item)) for place, item in enumerate(items)]


def _why_null(event: Event) -> str:
    """Why there is nothing to make runs of, as far as *event* tells, and what to do."""
    if not jsons.is_cut(event.data):
        return ". Write `… or []` where it may be null."
    rows = event.data.get("row_count")
    counted = f", {rows} rows" if rows is not None else ""
    return f": the list was larger than [database] max_payload{counted}. Ask for less, or raise max_payload."
