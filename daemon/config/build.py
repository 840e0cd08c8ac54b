"""From the merged tree to a :class:`~daemon.config.settled.Config`: the plain tables and the accounts.

Called by ``read``. Each table and each item of an array is validated by itself, so that one mistake hides no
other. Triggers are in ``triggers``, reactions in ``rules``.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticCustomError

from daemon.config import databases, desk, forms, rules, settled, tables, triggers
from daemon.config.desk import NOT_AT_HAND, Desk
from daemon.contract import secret_forms, wording
from daemon.contract.configured import Account
from daemon.contract.declare import Settings
from daemon.contract.secret_forms import Secret
from daemon.model.problems import Path

TOP = (
    "include",
    "daemon",
    "database",
    "http",
    "retention",
    "services",
    "notify",
    "webhook",
    "watch",
    "schedule",
    "callback",
    "reaction",
)
PLAIN: dict[str, type[BaseModel]] = {
    "daemon": tables.Daemon,
    "database": tables.Database,
    "http": tables.HttpTable,
    "retention": tables.Retention,
}
ETC = FilePath("/etc/pointsman")
STATE = FilePath("/var/lib/pointsman")


def build(at: Desk) -> settled.Config | None:
    """The config, or None where something kept a part of it from being built."""
    tree = at.refuse_unbuilt("", at.source.tree, ())
    for key in tree:
        if key not in TOP:
            help = wording.meant(key, TOP, otherwise=f"Known here: {', '.join(TOP)}.")
            at.note((key,), f"unknown key {key}", help, spot="key")
    _check_include(at, tree.get("include", []))
    plain = {name: _plain_table(at, name, tree.get(name, {})) for name in PLAIN}
    accounts = _accounts(at, tree.get("services", {}))
    targets = _targets(at, tree.get("notify", {}))
    webhooks, watches, schedules = triggers.webhooks(at), triggers.watches(at), triggers.schedules(at)
    callbacks = triggers.callbacks(at)
    reactions = rules.reactions(at)
    daemon, database, http, retention = plain.values()
    journal = None if database is None else _database(at, database)
    doors = None if http is None else _http(at, http)
    if daemon is None or journal is None or doors is None or retention is None or accounts is None:
        return None
    return settled.Config(
        daemon=_daemon(daemon),
        database=journal,
        http=doors,
        retention=settled.Retention(**dict(retention)),
        accounts=accounts,
        webhooks=tuple(webhooks),
        watches=tuple(watches),
        schedules=tuple(schedules),
        reactions=tuple(reactions),
        inline=at.inline,
        known_secrets=frozenset(at.secrets),
        callbacks=tuple(callbacks),
        notify=targets,
    )


def build_database(at: Desk) -> settled.Database | None:
    """``[database]`` alone, or None where it cannot be understood."""
    table = _plain_table(at, "database", at.source.tree.get("database", {}))
    return _database(at, table) if table is not None else None


def _check_include(at: Desk, given: object) -> None:
    if not isinstance(given, list):
        at.note(("include",), f"a list of globs is expected, came {wording.describe(given)}", "Write [ … ].")
        return
    for number, item in enumerate(given):
        if not isinstance(item, str) or not item:
            at.note(("include", number), f"a glob is expected, came {wording.describe(item)}")


def _plain_table(at: Desk, name: str, given: object) -> Any:
    if not isinstance(given, dict):
        text = f"{name} is a table, came {wording.describe(given)}"
        at.note((name,), text, f"Write it under [{name}].")
        return None
    return at.validate(PLAIN[name], at.refuse_unbuilt(name, given, (name,)), (name,))


def _daemon(table: tables.Daemon) -> settled.Daemon:
    fields = dict(table)
    fields["node"] = table.node or f"{socket.gethostname()}-{os.getpid()}"
    fields["write_below"] = tuple(table.write_below)
    fields["read_below"] = tuple(table.read_below)
    return settled.Daemon(**fields)


def _http(at: Desk, table: tables.HttpTable) -> settled.Http:
    fields = dict(table)
    for key in ("webhook_secret", "admin_token"):
        if fields[key] is not None:
            fields[key] = at.anchored(fields[key], ("http", key))
            at.reveal(fields[key], ("http", key))
    fields["allow_hosts"] = tuple(table.allow_hosts)
    return settled.Http(**fields)


def _database(at: Desk, table: tables.Database) -> settled.Database | None:
    path: Path = ("database", "url")
    url = table.url.place if table.url.form == "text" else at.reveal(at.anchored(table.url, path), path)
    if url is None:
        return None
    password = _password(url)
    if password:
        at.secrets.add(password)
        if table.url.form == "text":
            at.written_inline.append(path)
    text, help = databases.judge_url(url)
    if text:
        at.note(path, text, help)
    if url.startswith("sqlite:///"):
        url = f"sqlite:///{_file(at, url.removeprefix('sqlite:///'))}"
    return settled.Database(url, table.max_payload)


def _password(address: str) -> str:
    """The password in *address*, as it is written there; "" for none."""
    return address.partition("://")[2].rpartition("@")[0].partition(":")[2]


def _file(at: Desk, name: str) -> FilePath:
    """The journal's file: relative to systemd's state directory, else to the config file."""
    if not name or name == ":memory:":
        at.note(("database", "url"), "the journal needs a file", "Write sqlite:///pointsman.db.")
    state = at.surroundings.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    folder = at.source.folder.absolute()
    if state:
        folder = FilePath(state)
    elif folder == ETC and FilePath(at.source.files[0].name).name == "config.toml":
        folder = STATE
    return folder / name


def _targets(at: Desk, given: object) -> dict[str, Secret]:
    """``[notify]``: addresses by name, each as the connector that tells people things understands it."""
    if not isinstance(given, dict):
        at.note(("notify",), f"notify is a table, came {wording.describe(given)}", "Write it under [notify].")
        return {}
    found = {name: _target(at, name, value) for name, value in given.items()}
    return {name: secret for name, secret in found.items() if secret is not None}


def _target(at: Desk, name: str, value: object) -> Secret | None:
    path: Path = ("notify", name)
    try:
        forms.read_name(name)
    except PydanticCustomError as wrong:
        at.note(path, wrong.message(), str((wrong.context or {})["help"]), spot="key")
    try:
        secret = at.anchored(forms.read_secret(value), path)
    except PydanticCustomError as wrong:
        at.note(path, wrong.message(), str((wrong.context or {})["help"]))
        return None
    address = at.reveal(secret, path)
    if address is not None and _password(address):
        at.secrets.add(_password(address))
    for judge in (one.judge_target for one in at.catalog.connectors.values()):
        text, help = judge(address) if judge is not None and address is not None else ("", "")
        if text:
            at.note(path, text, help)
    return secret


def _accounts(at: Desk, given: object) -> dict[str, Account] | None:
    if not isinstance(given, dict):
        at.note(("services",), f"services is a table of accounts, came {wording.describe(given)}")
        return None
    found = {name: _account(at, name, table) for name, table in given.items()}
    return {name: account for name, account in found.items() if account is not None}


def _account(at: Desk, name: str, given: object) -> Account | None:
    path: Path = ("services", name)
    if not isinstance(given, dict):
        text = f"an account is a table, came {wording.describe(given)}"
        at.note(path, text, "Write it under [services.NAME].")
        return None
    try:
        forms.read_name(name)
    except PydanticCustomError as wrong:
        at.note(path, wrong.message(), str((wrong.context or {})["help"]), spot="key")
    own = desk.spelled(tables.AccountTable)
    table = at.validate(tables.AccountTable, {key: given[key] for key in given if key in own}, path)
    kind = given.get("kind", name)
    connector = at.catalog.connectors.get(kind) if isinstance(kind, str) else None
    if connector is None or connector.settings is None:
        return None  # the check of names says which kinds there are
    rest = {key: value for key, value in given.items() if key not in own}
    settings = _settings(at, connector.settings, rest, path)
    if table is None or settings is None:
        return None
    if "readback" in given and not connector.webhooks:
        text = f"readback means nothing here: {kind} sends no callbacks"
        at.note((*path, "readback"), text, "Take it out.", spot="key", severity="warning")
    return Account(
        name=name,
        kind=kind,
        settings=settings,
        timeout=table.timeout,
        rate=table.rate,
        concurrency=table.concurrency,
        readback=table.readback,
    )


def _settings(at: Desk, model: type[Settings], given: Mapping[str, Any], path: Path) -> Settings | None:
    """The kind's own keys as its model, every secret form resolved."""
    secret = secret_settings(model)
    resolved: dict[str, Any] = {}
    unknown: set[str] = set()
    for key, value in given.items():
        if secret_forms.is_reference(value) or (key in secret and isinstance(value, str | dict)):
            text = _credential(at, value, (*path, key))
            unknown |= {key} if text is None else set()
            resolved[key] = NOT_AT_HAND if text is None else text
        else:
            resolved[key] = value
    before = len(at.problems)
    known = [*desk.spelled(tables.AccountTable), *desk.spelled(model)]
    hidden = {key for key in given if key in secret or secret_forms.is_reference(given[key])}
    settings = at.validate(model, resolved, path, known, hidden)
    # What a placeholder did wrong is not the operator's mistake; the missing secret is said already.
    blamed = {(*path, key) for key in unknown}
    at.problems[before:] = [one for one in at.problems[before:] if one.path not in blamed]
    return settings


def _credential(at: Desk, value: Any, path: Path) -> str | None:
    try:
        secret = at.anchored(forms.read_secret(value), path)
    except PydanticCustomError as wrong:
        at.note(path, wrong.message(), str((wrong.context or {})["help"]))
        return None
    return at.reveal(secret, path)


def secret_settings(model: type[Settings]) -> frozenset[str]:
    """The names of *model*'s credentials."""
    return frozenset(
        name
        for name, item in model.model_fields.items()
        if item.annotation is SecretStr or SecretStr in getattr(item.annotation, "__args__", ())
    )
