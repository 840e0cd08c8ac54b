"""Whether the outside can reach us where the config needs it, and only there. Pure; called by ``check``."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from daemon import expressions
from daemon.checking.draft import Draft, Rule, Step
from daemon.contract import given_files, guard, own_paths, reading, writing
from daemon.contract.catalog import Catalog
from daemon.model import reactions
from daemon.model.problems import Problem

PUBLIC, ADMIN = "127.0.0.1:8080", "127.0.0.1:8081"  # the defaults
NEEDED = ("public_url", "webhook_secret")


def check_http(draft: Draft) -> Iterator[Problem]:
    """The admin side is not open to everyone, and the two sides do not want one address."""
    admin, public = draft.http.get("admin_listen", ADMIN), draft.http.get("public_listen", PUBLIC)
    if not isinstance(admin, str) or not admin:
        return
    if not _is_loopback(admin) and "admin_token" not in draft.http:
        text = f"admin_listen {admin} is open to other machines, and there is no admin_token"
        yield Problem(("http", "admin_listen"), text, "Add admin_token, or listen on 127.0.0.1.")
    if admin == public and not admin.endswith(":0"):
        text = f"admin_listen and public_listen are both {admin}"
        yield Problem(("http", "admin_listen"), text, "Give each its own port.")


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0]
    found = guard.parse_address(host)
    return host == "localhost" or (found is not None and found.is_loopback)


def check_callbacks(draft: Draft, catalog: Catalog) -> Iterator[Problem]:
    """What makes a vendor call us has a URL to give it; who waits for callbacks can be sent some."""
    lacking = [key for key in NEEDED if key not in draft.http]
    if not lacking or not draft.whole:
        return
    for callback in draft.callbacks:
        text = f"a callback needs our own URL, and [http] {lacking[0]} is missing"
        yield Problem(callback.path, text, f"Add {' and '.join(lacking)} under [http].", spot="table")
    for rule in draft.rules:
        for step in rule.steps:
            if _wants_callback(step):
                yield Problem(
                    (*step.path, "action"),
                    f"{step.action} gives the service our callback URL, and [http] {lacking[0]} is missing",
                    f"Add {' and '.join(lacking)} under [http].",
                )
        if "webhook_secret" in lacking:
            yield from _check_waiting(draft, catalog, rule)


def check_hosts(draft: Draft) -> Iterator[Problem]:
    """``http.request`` and fetched files go only where ``allow_hosts`` lets them: a host that stands in the url can be
    seen now."""
    allowed = draft.http.get("allow_hosts", [])
    if not draft.whole or not isinstance(allowed, list) or not all(isinstance(one, str) for one in allowed):
        return
    parsed = guard.parse_guard(allowed)
    for rule in draft.rules:
        for step in rule.steps:
            for place, url in _asked(step):
                if not _may_go(parsed, url):
                    yield Problem(
                        (*step.path, "with", *place),
                        "its host is not in [http] allow_hosts, so every call would be refused",
                        "Name the host there.",
                        severity="warning",
                    )


def _asked(step: Step) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The addresses that *step* asks by itself, and where among its parameters they stand."""
    if step.action == "http.request":
        yield ("url",), step.parameters.get("url")
        return
    several = step.parameters.get("files")
    files: dict[tuple[str, ...], Any] = {("file",): step.parameters.get("file")}
    if isinstance(several, dict):
        files |= {("files", part): file for part, file in several.items()}
    for place, file in files.items():
        if isinstance(file, dict):
            yield (*place, "url"), file.get("url")


def check_folders(draft: Draft) -> Iterator[Problem]:
    """``file.write`` goes where the config says itself, else only below the folders of ``write_below``."""
    roots = _folders(draft.daemon.get("write_below", []))
    if not draft.whole or roots is None:
        return
    for rule in draft.rules:
        for step in rule.steps:
            path = step.parameters.get("path")
            if step.action != "file.write" or not isinstance(path, str):
                continue
            try:
                writing.find_place(_seen_of(path), roots, own_paths.of([path]))
            except ValueError as wrong:
                yield Problem(
                    (*step.path, "with", "path"),
                    f"every call would be refused: {wrong}",
                    "Name a folder there, or write below one that it names.",
                    severity="warning",
                )


def check_files(draft: Draft, catalog: Catalog) -> Iterator[Problem]:
    """A template names a file to send only below the folders of ``read_below``: without any, each would be refused."""
    if not draft.whole or _folders(draft.daemon.get("read_below", [])) != []:
        return
    for rule in draft.rules:
        for step in rule.steps:
            action = catalog.actions.get(step.action or "")
            for place, text in given_files.paths(action.parameters, step.parameters) if action else ():
                if expressions.is_template(text) and own_paths.leading_folder(text) is None:
                    yield Problem(
                        (*step.path, "with", *place),
                        f"a path that this template gives would be refused: {reading.NOWHERE}",
                        "Name the folder of such files there, or begin the path with its folder.",
                        severity="warning",
                    )


def _seen_of(path: str) -> str:
    """*path* as far as it can be judged before an event comes."""
    if not expressions.is_template(path):
        return path
    folder = own_paths.leading_folder(path)
    return f"{folder}/x" if folder is not None else "x"


def _folders(given: Any) -> list[str] | None:
    """The folders that may be written below; None where what is configured is none, which ``config`` says."""
    try:
        return [writing.check_root(one) for one in given]
    except (TypeError, AttributeError, ValueError):
        return None


def _may_go(parsed: guard.Guard, url: Any) -> bool:
    """Whether *url* may be asked, as far as can be seen: a templated host is known at run time only."""
    if not isinstance(url, str):
        return True
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return True
    return not host or "{" in parts.netloc or parsed.allows_host(host, port)


def _wants_callback(step: Step) -> bool:
    notify: Any = step.parameters.get("notify", False)
    return step.action == "populr.enable_collaboration" or (
        step.action == "populr.create_tracer" and notify is not False
    )


def _check_waiting(draft: Draft, catalog: Catalog, rule: Rule) -> Iterator[Problem]:
    """A warning where events can come by callback alone, or by a watch that is not there either."""
    for path, type in rule.on:
        kind = type.partition(".")[0]
        called = {hook.event for (owner, _), hook in catalog.webhooks.items() if owner == kind}
        if type not in called or kind not in (account.kind for account in draft.accounts):
            continue
        if not any(_tells(draft, catalog, account, resource, type) for account, resource in _watched(draft)):
            text = f"nothing here can tell {type}: there is no webhook_secret for callbacks, and no watch"
            help = "Add webhook_secret under [http], or a [[watch]]."
            yield Problem(path, text, help, severity="warning")


def _watched(draft: Draft) -> Iterator[tuple[str, str]]:
    for watch in draft.watches:
        if watch.account is not None and watch.resource is not None:
            yield watch.account, watch.resource


def _tells(draft: Draft, catalog: Catalog, account: str, resource: str, type: str) -> bool:
    found = draft.account(account)
    watch = catalog.watches.get((found.kind or "", resource)) if found else None
    return watch is not None and any(reactions.matches_glob(type, known) for known in watch.events)
