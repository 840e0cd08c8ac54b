"""Everything that can be done and told, gathered from the connectors: a plain value, looked up by name.

``connectors.discover()`` makes it; ``app`` and ``cli`` pass it to whoever asks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from daemon.contract import own_events, secrets
from daemon.contract.declare import Action, Budget, Connector, EventData, Watch, Webhook

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Catalog:
    """All connectors by kind, and their actions, watches, webhooks and event types by name."""

    connectors: dict[str, Connector]
    actions: dict[str, Action]
    action_kinds: dict[str, str]
    watches: dict[tuple[str, str], Watch]
    webhooks: dict[tuple[str, str], Webhook]
    events: dict[str, type[EventData]]

    @property
    def account_kinds(self) -> list[str]:
        """The kinds that an account can be of, sorted."""
        return sorted(kind for kind, one in self.connectors.items() if one.settings is not None)

    def needs_account(self, action: str) -> bool:
        """Whether *action* speaks to an account (the general ones do not)."""
        return self.connectors[self.action_kinds[action]].settings is not None

    def budget_of(self, kind: str, resource: str) -> Budget | None:
        """How often *kind* calls about one object of *resource*; None where it sets itself no limit."""
        for (owner, _), hook in self.webhooks.items():
            if owner == kind and hook.budget is not None and hook.budget.resource == resource:
                return hook.budget
        return None

    def secret_names(self) -> frozenset[str]:
        """Every field name that some model marks as secret, for the blanker."""
        return frozenset().union(*(self.secret_names_of(kind) for kind in self.connectors))

    def secret_names_of(self, kind: str) -> frozenset[str]:
        """The field names that are secret in *kind*'s payloads, results and parameters."""
        connector = self.connectors[kind]
        names = set(connector.secret_names)
        for action in connector.actions:
            names |= secrets.secret_fields(action.parameters) | secrets.secret_fields(action.result)
        for event in connector.events:
            names |= secrets.secret_fields(event)
        return frozenset(names)


def gather(connectors: Iterable[Connector]) -> Catalog:
    """A :class:`Catalog` of *connectors*; :class:`ValueError` where two claim one name."""
    found = sorted(connectors, key=lambda one: one.kind)
    actions = dict(_once((action.name, action) for one in found for action in one.actions))
    return Catalog(
        connectors=dict(_once((one.kind, one) for one in found)),
        actions=actions,
        action_kinds={action.name: one.kind for one in found for action in one.actions},
        watches=dict(_once(((one.kind, watch.resource), watch) for one in found for watch in one.watches)),
        webhooks=dict(_once(((one.kind, hook.hook), hook) for one in found for hook in one.webhooks)),
        events=dict(
            _once(
                (event.type, event)
                for event in (
                    *own_events.ALL,
                    *(event for one in found for event in one.events),
                    *(own_events.stalled(one.kind, watch.noun) for one in found for watch in one.watches),
                )
            )
        ),
    )


def _once(pairs: Iterable[tuple[K, V]]) -> Iterator[tuple[K, V]]:
    seen: set[K] = set()
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"{key!r} is declared twice")
        seen.add(key)
        yield key, value
