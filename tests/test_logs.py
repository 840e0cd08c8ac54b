"""Log lines: what they carry, and what they never show."""

import io
import json
import logging

import pytest
import structlog

from daemon import logs
from daemon.contract.secrets import Blanker

SECRET = "sesame-opens-the-shop"


@pytest.fixture
def written(request):
    """A file that all lines go to, in the format that the test is run with."""
    before = structlog.get_config()
    handlers = logging.getLogger().handlers[:]
    stream = io.StringIO()
    logs.set_up("info", request.param, Blanker(["pin"], [SECRET]).value, stream)
    yield stream
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def break_with_a_secret() -> None:
    """Fail with a secret in the text and another in a local variable."""
    password = f"{SECRET} once more"
    raise ValueError(f"the key {SECRET} is refused ({len(password)})")


@pytest.mark.parametrize("written", ["json", "console"], indirect=True)
def test_no_line_shows_a_secret_not_even_a_traceback(written):
    log = structlog.get_logger()
    log.info(
        "thing.happened", url=f"https://ada:{SECRET}@shop", pin="1234567", deep=[{"Pin": "1234567"}, SECRET]
    )
    try:
        break_with_a_secret()
    except ValueError:
        log.exception("thing.broke")
        logging.getLogger("library").exception("a complaint about %s", SECRET)
    told = written.getvalue()
    assert "the key [blanked] is refused" in told
    assert "break_with_a_secret" in told
    assert SECRET not in told
    assert "1234567" not in told


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_line_carries_what_is_bound_around_it(written):
    with structlog.contextvars.bound_contextvars(trace="t-1"):
        structlog.get_logger().warning("run.died", error="x")
    structlog.get_logger().debug("thing.unseen")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(one["event"], one["trace"], one["level"]) for one in lines] == [("run.died", "t-1", "warning")]
