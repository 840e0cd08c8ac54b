"""The unit files: systemd understands every line, and what they promise stands in them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.systemd import booting

UNITS = booting.ROOT / "systemd"
MOST_EXPOSURE = 11  # tenths: it must speak to the network, all else is shut
PROGRAM = "/opt/pointsman/bin/pointsman"


def read(name: str) -> dict[str, dict[str, list[str]]]:
    """Section, key, values: a key may stand several times in a unit."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            current.setdefault(key, []).append(value)
    return sections


def seconds(text: str) -> float:
    units = {"ms": 0.001, "min": 60.0, "s": 1.0, "": 1.0}
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return float(digits) * units[text[len(digits) :]]


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """The units as they are, but for the program, which is not installed where they look for it."""
    program = tmp_path / "pointsman"
    shutil.copy("/bin/true", program)
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    return sorted(str(tmp_path / unit.name) for unit in UNITS.iterdir())


def test_systemd_understands_every_line(installed: list[str]) -> None:
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", *installed]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_key_would_be_found(installed: list[str]) -> None:
    service = Path(next(unit for unit in installed if unit.endswith(".service")))
    service.write_text(service.read_text().replace("WatchdogSec", "WatchdogSecs"))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", *installed]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "WatchdogSecs" in done.stderr


def test_the_service_is_shut_as_far_as_it_can_be(installed: list[str]) -> None:
    service = next(unit for unit in installed if unit.endswith(".service"))
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE}"]
    done = subprocess.run([*command, service], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_service_is_started_stopped_and_watched_as_promised() -> None:
    service = read("pointsman.service")["Service"]
    assert service["Type"] == ["notify"]
    assert service["NotifyAccess"] == ["main"]
    assert service["ExecStart"] == [f"{PROGRAM} --config /etc/pointsman/config.toml run"]
    assert service["Restart"] == ["always"]
    assert seconds(service["RestartSec"][0]) <= 0.2
    assert seconds(service["WatchdogSec"][0]) == 30
    assert seconds(service["TimeoutStopSec"][0]) > 30  # the default of drain_timeout
    assert service["StateDirectory"] == ["pointsman"]


@pytest.mark.parametrize(
    "name, descriptor, port",
    [("pointsman.socket", "public", 8080), ("pointsman-admin.socket", "admin", 8081)],
)
def test_each_socket_has_the_name_that_the_daemon_looks_for(name: str, descriptor: str, port: int) -> None:
    socket = read(name)["Socket"]
    assert socket["FileDescriptorName"] == [descriptor]
    assert socket["ListenStream"] == [f"127.0.0.1:{port}"]
    assert socket.get("Service", ["pointsman.service"]) == ["pointsman.service"]


def test_every_directive_of_the_service_stands_under_a_comment() -> None:
    explained = False
    bare = []
    for line in (UNITS / "pointsman.service").read_text().splitlines():
        if not line or line.startswith("["):
            explained = False
        elif line.startswith("#"):
            explained = True
        elif not explained:
            bare.append(line)
    assert set(bare) <= {"Description=Pointsman, which sends events their way", "WantedBy=multi-user.target"}
