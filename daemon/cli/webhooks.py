"""``pointsman webhooks``: the callback URLs to register."""

from urllib.parse import quote

import typer

from daemon.app import building
from daemon.cli import context, options, printing
from daemon.config import Config
from daemon.connectors.populr import webhooks as populr
from daemon.contract.catalog import Catalog
from daemon.model.jsons import JsonObject

OTHER = "webhook"  # the kind of a [[webhook]]; an account's is the name of its hook
# What a hook's URL carries beside its token, by the kind of account.
QUERIES = {("populr", "tracer"): populr.QUERY}


def webhooks(state: typer.Context, json: options.AsJson = False) -> None:
    """Print the URLs that call this daemon back, ready to paste.

    Those of each account's hooks and of each `[[webhook]]`. They hold secret tokens. Populr fills in what
    stands in `%{…}`.

    \b
      pointsman webhooks
    """
    given: context.Context = state.obj
    catalog = given.catalog()
    settled = given.accounts(catalog)
    if settled.http.public_url is None:
        context.fail("[http] public_url is missing: how do the vendors reach public_listen? Set it.")
    found = [*_of_accounts(settled, catalog), *_of_senders(settled)]
    if json:
        printing.document(found)
        return
    if not found:
        print("no webhooks")
    for one in found:
        print(printing.GAP.join((one["account"], one["kind"], one["url"])))


def _of_accounts(settled: Config, catalog: Catalog) -> list[JsonObject]:
    url = building.callback_urls(settled)
    wanted = [
        (name, account.kind, hook)
        for name, account in settled.accounts.items()
        for kind, hook in sorted(catalog.webhooks, reverse=True)
        if kind == account.kind
    ]
    if wanted and settled.http.webhook_secret is None:
        context.fail("[http] webhook_secret is missing: the tokens in the URLs derive from it. Set it.")
    return [
        {"account": name, "kind": hook, "url": url(name, hook) + QUERIES.get((kind, hook), "")}
        for name, kind, hook in wanted
    ]


def _of_senders(settled: Config) -> list[JsonObject]:
    base = (settled.http.public_url or "").rstrip("/")
    return [
        {"account": one.name, "kind": OTHER, "url": f"{base}/hooks/{quote(one.name, safe='')}"}
        for one in settled.webhooks
    ]
