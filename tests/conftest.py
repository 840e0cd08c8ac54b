"""Fixtures that any test may ask for. What they are made of stands in the modules beside this one."""

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from tests import clocks, mounting, ports, postgres
from tests.systemd import booting
from tests.vendors import environments

hypothesis.settings.register_profile("pointsman", deadline=None, print_blob=True)
hypothesis.settings.load_profile("pointsman")

# A shell's background job ignores SIGINT, and so would every command that is started and interrupted here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def left_out() -> dict[str, str]:
    """The markers of tests that need more than this machine gives, each with what is missing."""
    if os.environ.get("POINTSMAN_WHOLE"):
        return {}
    unbuilt = ", ".join(environments.missing())
    wanted = {
        "systemd": booting.missing(),
        "mounts": mounting.missing(),
        "vendors": f"`make vendors` builds {unbuilt}" if unbuilt else "",
    }
    return {marker: missing for marker, missing in wanted.items() if missing}


def pytest_report_header() -> list[str]:
    """Say which tests are left out here, and why."""
    return [
        f"{marker}: the tests marked so are left out: {missing}" for marker, missing in left_out().items()
    ]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot do, unless ``POINTSMAN_WHOLE`` says that all must run."""
    markers = left_out()
    left = [item for item in items if any(item.get_closest_marker(marker) for marker in markers)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture
def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on; for several, call ``ports.free_port()``."""
    return ports.free_port()


@pytest.fixture
def virtual_clock() -> clocks.VirtualClock:
    """A clock that stands still until the test advances it."""
    return clocks.VirtualClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for each test process that wants any."""
    with postgres.serving() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """The URL of an empty PostgreSQL database for this test alone."""
    with postgres_server.fresh_database() as url:
        yield url
