"""From the config to what the rooms are given: clients, doors, rules, watched rows. Nothing is started here.

Called by ``house`` at start and at each reload, and by ``cli`` for commands that speak to services.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from daemon import config, metrics
from daemon.contract import configured, errors, fetching, files, guard
from daemon.contract.catalog import Catalog
from daemon.contract.http import Http
from daemon.contract.limits import Limits
from daemon.contract.secret_forms import Secret
from daemon.contract.secrets import Blanker
from daemon.contract.services import GENERAL, Services
from daemon.intake import verifying
from daemon.intake.webhooks import Doors, Hook, Sender
from daemon.journal.watches import Polled
from daemon.model import jsons


def build_services(settled: config.Config, catalog: Catalog) -> tuple[Services, list[Http]]:
    """The services of *settled*, and the HTTP clients to close when they are done with."""
    lanes = {
        name: Limits(one.rate.count, one.rate.period, one.concurrency)
        for name, one in settled.accounts.items()
    }
    general = Http(
        "",
        guarded=guard.parse_guard(list(settled.http.allow_hosts)),
        observe=partial(observe, "http"),
        read_below=settled.daemon.read_below,
    )
    fetch = partial(fetching.fetch, general)
    opened = {
        name: open_http(account, lanes[name], fetch, settled.daemon.read_below)
        for name, account in settled.accounts.items()
    }
    clients = {
        name: catalog.connectors[account.kind].client(account.settings, opened[name])
        for name, account in settled.accounts.items()
    }
    if GENERAL in catalog.connectors:
        reach = configured.Reach(settled.daemon.write_below, settled.notify)
        clients[GENERAL] = catalog.connectors[GENERAL].client(reach, general)
    services = Services(
        catalog=catalog,
        accounts=settled.accounts,
        clients=clients,
        callback_url=callback_urls(settled),
        resolve=partial(resolve, settled),
        blanker=build_blanker(settled, catalog),
        max_payload=settled.database.max_payload,
        lanes=lanes,
    )
    return services, [*opened.values(), general]


def open_http(
    account: configured.Account,
    lane: Limits | None = None,
    fetch: files.Fetch | None = None,
    read_below: Sequence[str] = (),
) -> Http:
    """The HTTP client of *account*, within the limits of *lane*; *fetch* gets files that lie elsewhere, and templates
    name files of this machine below *read_below* only."""
    return Http(
        account.settings.base_url,
        timeout=account.timeout,
        pace=lane,
        observe=partial(observe, account.name),
        fetch=fetch,
        read_below=read_below,
    )


def observe(account: str, outcome: str, seconds: float) -> None:
    """Count one call of *account*."""
    _calls(account, outcome).inc()
    _call_seconds(account).observe(seconds)


# To look a metric up by its labels costs more than to count.
_calls, _call_seconds = cache(metrics.calls.labels), cache(metrics.call_seconds.labels)


def resolve(settled: config.Config, secret: Secret) -> str:
    """The text of *secret*."""
    return secret.resolve(inline=settled.inline)


def callback_urls(settled: config.Config) -> Callable[[str, str], str]:
    """Gives this daemon's own callback URL for an account's hook."""

    def url(account: str, hook: str) -> str:
        secret = settled.http.webhook_secret
        if settled.http.public_url is None or secret is None:
            raise errors.PermanentError(
                "[http] public_url and webhook_secret are needed for a callback URL. Set both."
            )
        base = settled.http.public_url.rstrip("/")
        return base + verifying.callback_path(secret.resolve(), account, hook)

    return url


def hook_tokens(settled: config.Config, catalog: Catalog) -> dict[tuple[str, str], str]:
    """The token of each (account, hook) that can be called back."""
    if settled.http.webhook_secret is None:
        return {}
    secret = settled.http.webhook_secret.resolve()
    return {
        (name, hook): verifying.derive_token(secret, name, hook)
        for name, account in settled.accounts.items()
        for kind, hook in catalog.webhooks
        if kind == account.kind
    }


def admin_token(settled: config.Config) -> str | None:
    """What opens the admin side; None where it is for loopback only."""
    return settled.http.admin_token.resolve() if settled.http.admin_token is not None else None


def build_blanker(settled: config.Config, catalog: Catalog) -> Blanker:
    """Blanks every secret field of every connector, every configured secret, every callback token."""
    tokens = hook_tokens(settled, catalog).values()
    return Blanker(catalog.secret_names(), {*settled.known_secrets, *tokens})


def build_doors(settled: config.Config, services: Services) -> Doors:
    """What the public side answers to."""
    catalog = services.catalog
    hooks = {
        (name, hook): Hook(
            account=name,
            token=token,
            webhook=catalog.webhooks[(settled.accounts[name].kind, hook)],
            readback=settled.accounts[name].readback,
        )
        for (name, hook), token in hook_tokens(settled, catalog).items()
    }
    senders = {one.name: Sender(one, one.secret.resolve()) for one in settled.webhooks}
    return Doors(hooks, senders, services.blanker, settled.http.max_body)


def build_watches(settled: config.Config, catalog: Catalog, now: int) -> list[Polled]:
    """The rows of the config's watches; new ones are due now."""
    return [_polled(one, catalog, settled, now) for one in settled.watches]


def _polled(one: configured.Watch, catalog: Catalog, settled: config.Config, now: int) -> Polled:
    watch = catalog.watches[(settled.accounts[one.account].kind, one.resource)]
    options = watch.options.model_validate(one.options)
    wanted = watch.wanted(options)
    return Polled(
        name=one.name,
        role="watch",
        account=one.account,
        resource=one.resource,
        options=jsons.as_object(one.options),
        wanted=wanted,
        announce=one.backfill,
        every=one.every,
        stalled_after=one.stalled_after,
        due_at=now,
        created_at=now,
    )
