"""The walls between the rooms stand, as ``pyproject.toml`` draws them."""

import subprocess
import sys
from pathlib import Path

from tests.house import sources


def test_no_room_reaches_through_a_wall() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=sources.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
