"""Everything that can be done and told, gathered from the connectors: a plain value, looked up by name.

``connectors.discover()`` makes it; ``app`` and ``cli`` pass it to whoever asks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from daemon.contract import own_events
from daemon.contract.actions import Actions, once
from daemon.contract.declare import Budget, Connector, EventData, Watch, Webhook

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Catalog:
    """All connectors by kind, and their actions, watches, webhooks and event types by name."""

    connectors: dict[str, Connector]
    actions: Actions
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
        """Every field name that is secret at some service, for the blanker."""
        return frozenset().union(*(one.secret_names for one in self.connectors.values()))


def gather(connectors: Iterable[Connector]) -> Catalog:
    """A :class:`Catalog` of *connectors*; :class:`ValueError` where two claim one name."""
    found = sorted(connectors, key=lambda one: one.kind)
    return Catalog(
        connectors=dict(once((one.kind, one) for one in found)),
        actions=Actions(pair for one in found for pair in one.actions.pairs()),
        action_kinds={name: one.kind for one in found for name in one.actions},
        watches=dict(once(((one.kind, watch.resource), watch) for one in found for watch in one.watches)),
        webhooks=dict(once(((one.kind, hook.hook), hook) for one in found for hook in one.webhooks)),
        events=dict(
            once(
                (event.type, event)
                for event in (
                    *own_events.ALL,
                    *(event for one in found for event in one.events),
                    *(own_events.stalled(one.kind, watch.noun) for one in found for watch in one.watches),
                )
            )
        ),
    )
