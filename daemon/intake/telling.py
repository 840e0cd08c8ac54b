"""What the log says of what a poll found. Called by ``watches`` and ``admission``."""

from collections.abc import Sequence

import structlog

from daemon.intake import failing
from daemon.intake.findings import Told
from daemon.intake.takeover import Warned
from daemon.journal.watches import Polled

TOLD_ONE_BY_ONE = 10  # events of one poll; more of them are one log line

log = structlog.get_logger()


def tell(row: Polled, told: Told) -> None:
    """One line an event, or one for many; what was refuted; what came back."""
    if len(told.events) <= TOLD_ONE_BY_ONE:
        for news in told.events:
            log.info("watch.told", watch=row.name, trace=news.trace, event_id=news.event, type=news.type)
    else:
        log.info("watch.told", watch=row.name, events=len(told.events))
    if told.refuted:
        log.warning("callback.refuted", watch=row.name, callbacks=told.refuted)
    if told.failure is not None:
        failing.tell(row, told.failure)
    elif row.failing_told:
        log.info("watch.recovered", watch=row.name)
    if told.missing is not None and told.missing != row.error:  # else it was said at an earlier poll
        log.warning("watch.incomplete", watch=row.name, error=told.missing)
    tell_warnings(told.warned)


def tell_warnings(warned: Sequence[Warned]) -> None:
    """That a service will soon call no more about an object: once for each share of its calls, whatever restarts."""
    for one in warned:
        log.warning(
            "callbacks.budget_used",
            account=one.account,
            object=one.object,
            percent=one.percent,
            callbacks=one.used,
            budget=one.budget,
        )
