"""The built wheel, installed in an empty environment outside the checkout, is the whole program."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests import ports, waiting
from tests.house import sources

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(600)]

RESOURCES = ["config.example.toml", "systemd/pointsman.service", "systemd/pointsman.socket"]
CONFIG = """
[http]
public_listen = "127.0.0.1:{public}"
admin_listen = "127.0.0.1:{admin}"
webhook_secret = "a secret of this test alone"

[[reaction]]
name = "note"
on = "orders.received"

[[reaction.do]]
id = "note"
action = "log.write"
with = {{ message = "noted {{{{ event.data.id }}}}" }}
"""


def run(*command: str | Path, cwd: Path) -> str:
    """What *command* prints, run with nothing of the checkout in its environment."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "POINTSMAN"))
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` directory of an environment that holds the wheel and the locked dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, cwd=sources.ROOT)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = (folder / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", sources.ROOT / "requirements" / "run.lock", cwd=folder)
    run(*pip, "--no-deps", "--no-index", wheel, cwd=folder)
    return folder / "venv" / "bin"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(public=ports.free_port(), admin=ports.free_port()))
    path.chmod(0o600)
    return path


def test_it_checks_upgrades_runs_and_stops(installed: Path, config: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = (installed / "pointsman", "--config", config)
    checked = json.loads(run(*command, "check", "--json", cwd=elsewhere))
    assert [each for each in checked["problems"] if each["severity"] == "error"] == []
    run(*command, "db", "upgrade", cwd=elsewhere)
    assert (tmp_path / "pointsman.db").stat().st_size > 0
    process = subprocess.Popen([*command, "run"], cwd=elsewhere)
    try:
        admin = config.read_text().split('admin_listen = "')[1].split('"')[0]
        waiting.wait_until(lambda: ready(process, admin), 30, "the daemon being ready")
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    finally:
        process.kill()


def ready(process: subprocess.Popen[bytes], admin: str) -> bool:
    """Whether the admin side says so; a process that has ended never will be."""
    if process.poll() is not None:
        raise RuntimeError(f"the daemon ended with {process.returncode}")
    try:
        with urllib.request.urlopen(f"http://{admin}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False


def test_migrations_units_and_example_travel_inside(installed: Path, tmp_path: Path) -> None:
    migrations = sorted(path for path in sources.texts() if path.startswith("migrations/"))
    wanted = {name: digest(sources.ROOT / name) for name in [*RESOURCES, *migrations]}
    assert any(name.startswith("migrations/versions/") for name in wanted)
    program = (
        "import hashlib, importlib.resources, json, sys; inside = importlib.resources.files('daemon');"
        "print(json.dumps({n: hashlib.sha256((inside / n).read_bytes()).hexdigest() for n in sys.argv[1:]}))"
    )
    found = json.loads(run(installed / "python", "-c", program, *wanted, cwd=tmp_path))
    assert found == wanted


def test_the_reference_shows_results_outside_the_checkout_too(installed: Path, tmp_path: Path) -> None:
    told = json.loads(run(installed / "pointsman", "reference", "actions", "--json", cwd=tmp_path))["actions"]
    assert told
    assert [one["name"] for one in told if not one["answer"]] == []


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
