"""The configured services as the rooms use them: one client an account, and what surrounds a call.

Built anew by ``app`` at start and at each reload; ``intake`` polls and ``running`` calls through it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.contract import errors
from daemon.contract.catalog import Catalog
from daemon.contract.configured import Account
from daemon.contract.declare import Watch
from daemon.contract.limits import Limits
from daemon.contract.secret_forms import Secret
from daemon.contract.secrets import Blanker

GENERAL = "general"  # the connector whose actions speak to no account


@dataclass(frozen=True, slots=True)
class Services:
    """*clients* by account name (and ``general``). *callback_url* gives this daemon's URL for an account's
    hook.

    *resolve* turns a secret's form into the secret itself. *max_payload* is in bytes. *lanes* are the accounts' own
    limits: a step takes its place there before its intent is written.
    """

    catalog: Catalog
    accounts: Mapping[str, Account]
    clients: Mapping[str, Any]
    callback_url: Callable[[str, str], str]
    resolve: Callable[[Secret], str]
    blanker: Blanker
    max_payload: int
    lanes: Mapping[str, Limits] = field(default_factory=dict)

    def client(self, account: str | None) -> Any:
        """The client of *account*, or of the general actions; :class:`PermanentError` when it is configured
        no more.
        """
        found = self.clients.get(account or GENERAL)
        if found is None:
            raise errors.PermanentError(f"the account {account} is not in the config any more")
        return found

    def watch(self, account: str, resource: str) -> Watch:
        """How *resource* of *account* is polled; :class:`PermanentError` when that cannot be any more."""
        configured = self.accounts.get(account)
        found = self.catalog.watches.get((configured.kind, resource)) if configured else None
        if found is None:
            raise errors.PermanentError(f"the account {account} is not in the config any more")
        return found
