"""Whether a real systemd can be booted here, and the booting.

``conftest`` leaves the tests marked ``systemd`` out where it cannot, unless ``POINTSMAN_WHOLE`` says that
nothing may be left out (as ``.ci/run`` does): then they fail and say what is missing.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HARNESS = HERE / "run-in-systemd"
SECONDS = 150


def missing() -> str:
    """What stands in the way of booting one; empty if nothing does."""
    if os.geteuid() != 0:
        return "it needs root"
    if shutil.which("systemd-nspawn") is None:
        return "it needs systemd-nspawn (Debian: package systemd-container)"
    return ""


def boot(folder: Path) -> subprocess.CompletedProcess[str]:
    """Boot a systemd with the units of *folder*, run its setup and check; their output and exit code.

    Inside, ``$BOOT_PYTHON`` is this interpreter, ``/srv/packages`` its packages, ``/srv/source`` the project.
    """
    base, python = Path(sys.base_prefix), f"bin/python{sysconfig.get_python_version()}"
    command = [str(HARNESS), "--timeout", str(SECONDS)]
    if not base.is_relative_to("/usr"):  # it may lie in a home, which the unit is not to see
        command += ["--bind", f"{base}:/srv/python"]
        base = Path("/srv/python")
    command += ["--bind", f"{sysconfig.get_path('purelib')}:/srv/packages", "--bind", f"{ROOT}:/srv/source"]
    command += ["--setenv", f"BOOT_PYTHON={base / python}", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 30)
