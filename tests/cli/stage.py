"""``pointsman sandbox`` and ``pointsman run`` in processes of their own."""

import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import waiting
from tests.cli.desk import Desk


@dataclass(frozen=True)
class Sandbox:
    """What ``pointsman sandbox`` printed."""

    text: str

    @property
    def toml(self) -> str:
        """The part for the config."""
        return self.text.partition("# for the shell")[0]

    @property
    def variables(self) -> dict[str, str]:
        """The part for the environment."""
        return dict(re.findall(r"^export (\w+)='(.*)'$", self.text, re.MULTILINE))

    @property
    def control_url(self) -> str:
        """Where faults are asked for."""
        return self.text.split()[-1]


@contextmanager
def sandbox(folder: Path) -> Iterator[Sandbox]:
    """A sandbox on free ports, until SIGTERM ends it well."""
    with tempfile.TemporaryFile("w+") as told:
        process = Desk(folder).start("sandbox", into=told)
        try:
            yield Sandbox(waiting.wait_until(lambda: whole(told.fileno()), 30, "the sandbox's accounts"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()


def whole(file: int) -> str:
    """What was printed so far, once its last line is there."""
    text = Path(f"/proc/self/fd/{file}").read_text()
    return text if re.search(r"what happened: \S+\n", text) else ""


@contextmanager
def daemon(desk: Desk) -> Iterator[None]:
    """A daemon at *desk*, until SIGTERM drains it well."""
    with tempfile.TemporaryFile("w+") as told:
        process = desk.start("run", into=told)

        def started() -> bool:
            text = Path(f"/proc/self/fd/{told.fileno()}").read_text()
            assert process.poll() is None, text
            return "daemon.started" in text

        try:
            waiting.wait_until(started, 30, "the daemon being ready")
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        finally:
            process.kill()
            process.wait()
