"""The service under a real systemd: started by a callback, killed, reloaded, hung, stopped."""

import shutil
from pathlib import Path

import pytest

from tests.systemd import booting


@pytest.mark.systemd
@pytest.mark.timeout(booting.SECONDS + 60)
def test_the_service_lives_through_what_a_machine_does_to_it(tmp_path: Path) -> None:
    shutil.copytree(booting.HERE / "boot", tmp_path / "boot")
    for unit in (booting.ROOT / "systemd").iterdir():
        shutil.copy(unit, tmp_path / "boot")
    ended = booting.boot(tmp_path / "boot")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "shown: the journal opens with the daemon stopped"


@pytest.mark.systemd
def test_a_failing_check_is_the_harness_own_failure(tmp_path: Path) -> None:
    (tmp_path / "check").write_text("#!/bin/bash\nsystemctl is-system-running --wait; exit 7\n")
    (tmp_path / "check").chmod(0o755)
    ended = booting.boot(tmp_path)
    assert ended.returncode == 7
    assert ended.stdout == "running\n"
