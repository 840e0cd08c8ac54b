"""Event types: which there are, and whether a pattern can ever match. Pure.

Types under the reserved first words must exist; any other type is the operator's own.
"""

import difflib
from collections.abc import Iterator

from daemon.checking.draft import Draft, Rule
from daemon.contract import wording
from daemon.contract.catalog import Catalog
from daemon.model import events, reactions
from daemon.model.problems import Path, Problem

ALIKE = 0.85  # of 1; from there on a type of one's own is taken for a misspelt one


def is_glob(pattern: str) -> bool:
    """Whether *pattern* has a wildcard."""
    return events.WILD.search(pattern) is not None


def is_reserved(type: str) -> bool:
    """Whether *type* stands under one of the reserved first words."""
    return type.partition(".")[0] in events.RESERVED_WORDS


def may_be_own(pattern: str) -> bool:
    """Whether *pattern* can match a type of the operator's own."""
    first = pattern.partition(".")[0]
    return is_glob(first) or first not in events.RESERVED_WORDS


def matched(pattern: str, catalog: Catalog) -> list[str]:
    """The known types that *pattern* matches."""
    return [type for type in sorted(catalog.events) if reactions.matches_type(pattern, type)]


def own_types(draft: Draft) -> list[str]:
    """The operator's own types that the config itself names: those of webhooks and of emitted events."""
    found = [one.type for one in draft.webhooks if one.type]
    for rule in draft.rules:
        for step in rule.steps:
            type = step.parameters.get("type")
            if step.action == "event.emit" and isinstance(type, str) and "{" not in type:
                found.append(type)
    return found


def check_patterns(draft: Draft, catalog: Catalog, rule: Rule) -> Iterator[Problem]:
    """Every ``on`` of *rule* can match something."""
    for path, pattern in rule.on:
        yield from _check_pattern(draft, catalog, path, pattern)
    for key, glob in (("source", rule.source), ("subject", rule.subject)):
        if glob is not None and any(character < " " for character in glob):
            yield Problem((*rule.path, key), f"the glob of {key} holds a control character", "Take it out.")


def _check_pattern(draft: Draft, catalog: Catalog, path: Path, pattern: str) -> Iterator[Problem]:
    wrong = unfit(pattern)
    if wrong is not None:
        yield Problem(path, wrong, "Write dotted words; * stands for any text, ? for one character.")
    elif not is_glob(pattern):
        yield from check_type(catalog, path, pattern)
        yield from _check_own(draft, catalog, path, pattern)
    elif not matched(pattern, catalog) and not may_be_own(pattern):
        help = wording.meant(pattern, catalog.events, otherwise="Look at `pointsman reference events`.")
        yield Problem(path, f"no event type matches {pattern}", help)
    elif not matched(pattern, catalog) and draft.whole:
        own = own_types(draft)
        if not any(reactions.matches_glob(pattern, type) for type in own):
            help = wording.meant(pattern, own, otherwise="It waits for events that are emitted from outside.")
            text = f"no event type that this config knows matches {pattern}"
            yield Problem(path, text, help, severity="warning")


def _check_own(draft: Draft, catalog: Catalog, path: Path, type: str) -> Iterator[Problem]:
    """A warning where a type of the operator's own looks like one that there is: it would never come."""
    own = own_types(draft)
    if is_reserved(type) or type in own or not draft.whole:
        return
    near = difflib.get_close_matches(type, [*catalog.events, *own], 1, ALIKE)
    if near:
        text = f"nothing in this config tells an event {type}"
        yield Problem(path, text, f"Did you mean {near[0]}?", severity="warning")


def unfit(pattern: str) -> str | None:
    """Why *pattern* can be neither a type nor a glob of types, or None."""
    if not pattern.strip():
        return "an empty pattern matches no event"
    if events.UNFIT.search(pattern):
        return f"{wording.shorten(pattern)!r} holds characters that no event type has"
    if pattern.startswith(".") or pattern.endswith(".") or ".." in pattern:
        return f"{wording.shorten(pattern)!r} has an empty word between its dots"
    return None


def check_type(catalog: Catalog, path: Path, type: str) -> Iterator[Problem]:
    """*type* exists, if it is under a reserved word."""
    if is_reserved(type) and type not in catalog.events:
        help = wording.meant(type, catalog.events, otherwise="Look at `pointsman reference events`.")
        yield Problem(path, f"there is no event type {type}", help)
