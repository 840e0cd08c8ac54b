"""Is the config right? Names, types, actions, parameters, and every template against the schemas. Pure.

* ``draft``: the tree, read leniently.
* ``naming``, ``types``: what is named exists, once.
* ``triggers``, ``steps``, ``reaching``: webhooks, watches, schedules; actions; callbacks.
* ``templates``, ``sights``, ``references``, ``shapes``: what expressions read.

``cli`` and ``app`` call :func:`check` with the tree that ``config`` read; ``config`` maps the problems' paths
to places. What is wrong with a value by itself ``config`` says: here it is skipped.
"""

from collections.abc import Iterator

from daemon.checking import naming, reaching, steps, templates, triggers, types
from daemon.checking.draft import Draft, draft
from daemon.contract.catalog import Catalog
from daemon.model.jsons import JsonObject
from daemon.model.problems import Problem

__all__ = ["check"]


def check(tree: JsonObject, catalog: Catalog, *, whole: bool = True) -> list[Problem]:
    """Everything that is wrong in the merged *tree*, beside the form of its values, in no order.

    Not *whole*: some file could not be read, so a name that is nowhere may stand there and is no mistake.
    """
    return list(_check(draft(tree, whole=whole), catalog))


def _check(given: Draft, catalog: Catalog) -> Iterator[Problem]:
    yield from naming.check_names(given, catalog)
    yield from reaching.check_http(given)
    yield from reaching.check_callbacks(given, catalog)
    yield from reaching.check_hosts(given)
    yield from reaching.check_folders(given)
    yield from reaching.check_files(given, catalog)
    yield from naming.check_targets(given)
    for webhook in given.webhooks:
        yield from triggers.check_webhook(webhook)
    for watch in given.watches:
        yield from triggers.check_watch(given, catalog, watch)
    for callback in given.callbacks:
        yield from triggers.check_callback(given, catalog, callback)
    yield from triggers.check_callbacks_once(given)
    for schedule in given.schedules:
        yield from triggers.check_schedule(schedule)
    for rule in given.rules:
        yield from types.check_patterns(given, catalog, rule)
        yield from naming.check_globs(given, rule)
        yield from templates.check_rule(given, catalog, rule)
        for step in rule.steps:
            yield from steps.check_step(given, catalog, step)
