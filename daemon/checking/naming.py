"""Names: each is used once, and each that is mentioned exists. Pure; called by ``check``."""

from collections.abc import Iterable, Iterator

from daemon import expressions
from daemon.checking.draft import Draft, Rule
from daemon.contract import own_events, wording
from daemon.contract.catalog import Catalog
from daemon.model import events, reactions
from daemon.model.problems import Path, Problem

ACCOUNT_OF_NONE = "Add [services.{}] for it."


def check_names(draft: Draft, catalog: Catalog) -> Iterator[Problem]:
    """Names given twice, names that are reserved, kinds that do not exist."""
    yield from _check_kinds(draft, catalog)
    yield from _check_sources(draft)
    for what, named in (
        ("watch", draft.watches),
        ("schedule", draft.schedules),
        ("reaction", draft.rules),
    ):
        yield from _once(what, ((one.path, one.name) for one in named), "name")
    for rule in draft.rules:
        steps = ((step.path, step.id) for step in rule.steps if step.own)
        yield from _once("step", steps, "id")


def _check_kinds(draft: Draft, catalog: Catalog) -> Iterator[Problem]:
    kinds = catalog.account_kinds
    for account in draft.accounts:
        if account.name in events.RESERVED_SOURCES:
            text = f"the name {account.name} is reserved for the daemon's own events"
            yield Problem(account.path, text, "Choose another name.", spot="key")
        elif account.kind is not None and account.kind not in kinds:
            text = f"there is no kind of service {account.kind}"
            help = wording.meant(account.kind, kinds, otherwise=f"kind is one of {', '.join(kinds)}.")
            yield Problem((*account.path, "kind"), text, help)


def _check_sources(draft: Draft) -> Iterator[Problem]:
    """Accounts, webhooks and the reserved words are one namespace: they are the sources of events."""
    taken = {account.name: "an account" for account in draft.accounts}
    taken |= dict.fromkeys(events.RESERVED_SOURCES, "reserved")
    for webhook in draft.webhooks:
        if webhook.name is None:
            continue
        if webhook.name in taken:
            text = f"the name {webhook.name} is taken: it is {taken[webhook.name]}"
            yield Problem((*webhook.path, "name"), text, "Choose another name.")
        taken.setdefault(webhook.name, "another webhook")


def _once(what: str, named: Iterable[tuple[Path, str | None]], key: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, name in named:
        if name is not None and name in seen:
            text = f"there is a {what} {name} already"
            yield Problem((*path, key), text, f"Give each {what} its own {key}.")
        seen.add(name or "")


def check_account(
    draft: Draft, catalog: Catalog, path: Path, name: str, kind: str | None, what: str
) -> Iterator[Problem]:
    """*name*, used at *path* by *what*, is an account (of *kind*, if that is given)."""
    account = draft.account(name)
    if account is None:
        if draft.whole:
            known = [one.name for one in draft.accounts]
            help = wording.meant(name, known, otherwise=ACCOUNT_OF_NONE.format(name))
            yield Problem(path, f"there is no account {name}", help)
    elif kind is not None and account.kind in catalog.account_kinds and account.kind != kind:
        text = f"{what} is of kind {kind}, and the account {name} is of kind {account.kind}"
        fitting = draft.accounts_of(kind)
        yield Problem(
            path, text, f"Take {' or '.join(fitting)}." if fitting else f"Add an account of {kind}."
        )


def check_targets(draft: Draft) -> Iterator[Problem]:
    """Whom ``notify.send`` tells something stands in ``[notify]``, as far as it can be seen before an event comes."""
    if not draft.whole:
        return
    for step in (step for rule in draft.rules for step in rule.steps if step.action == "notify.send"):
        to = step.parameters.get("to")
        places: dict[Path, object] = {("to",): to}
        if isinstance(to, list):
            places = {("to", number): name for number, name in enumerate(to)}
        for place, name in places.items():
            if isinstance(name, str) and name not in draft.notify and not expressions.is_template(name):
                help = wording.meant(
                    name, draft.notify, otherwise=f"Add {wording.shorten(name)} under [notify]."
                )
                text = f"nobody is called {wording.shorten(name)} under [notify]"
                yield Problem((*step.path, "with", *place), text, help)


def check_globs(draft: Draft, rule: Rule) -> Iterator[Problem]:
    """A reaction's ``source`` matches some source of events, its ``subject`` some schedule if those alone fire it."""
    if not draft.whole:
        return
    yield from _check_subject(draft, rule)
    if rule.source is None:
        return
    known = [one.name for one in draft.accounts] + [one.name for one in draft.webhooks if one.name]
    known += events.RESERVED_SOURCES
    if not any(reactions.matches_glob(rule.source, name) for name in known):
        text = f"no account, webhook or source of events is called {rule.source}"
        help = wording.meant(rule.source, known, otherwise=f"There are: {', '.join(known)}.")
        yield Problem((*rule.path, "source"), text, help)


def _check_subject(draft: Draft, rule: Rule) -> Iterator[Problem]:
    """A warning where only a schedule can be meant, and none is called so: an event can still be emitted by hand."""
    if rule.subject is None or {type for _, type in rule.on} != {own_events.ScheduleFired.type}:
        return
    known = [one.name for one in draft.schedules if one.name]
    if not any(reactions.matches_glob(rule.subject, name) for name in known):
        text = f"no schedule is called {rule.subject}"
        none = f"There are: {', '.join(known)}." if known else "Add a [[schedule]]."
        help = wording.meant(rule.subject, known, otherwise=none)
        yield Problem((*rule.path, "subject"), text, help, severity="warning")
