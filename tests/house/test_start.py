"""What a start leaves alone: libraries, and families of actions, that its config has no use for."""

import json
import subprocess
import sys
from pathlib import Path

CONFIG = """
[database]
url = "sqlite:///{folder}/pointsman.db"
[services.plotly]
username = "ada"
api_key = "canary-start-4b1d"
[[reaction]]
name = "new files"
on = "plotly.file.removed"
do = [{{ action = "plotly.get_grid", with = {{ fid = "{{{{ event.subject }}}}" }} }}]
"""
PROGRAM = """
import json, sys
from pathlib import Path
from daemon.cli import context, run
given = context.Context(Path(sys.argv[1]))
catalog = given.catalog()
listed = {module for _, module in catalog.actions.pairs() if isinstance(module, str)}
given.config(catalog)
print(json.dumps([sorted(listed), sorted(sys.modules)]))
"""
UNUSED = {"alembic", "apprise", "apscheduler.schedulers", "asyncpg", "sqlalchemy.dialects.postgresql"}


def test_a_start_loads_what_its_config_uses(tmp_path: Path) -> None:
    given = tmp_path / "config.toml"
    given.write_text(CONFIG.format(folder=tmp_path))
    given.chmod(0o600)
    done = subprocess.run([sys.executable, "-c", PROGRAM, given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed, loaded = (set(names) for names in json.loads(done.stdout))
    assert loaded & UNUSED == set()
    used = {f"daemon.connectors.plotly.actions.{name}" for name in ("files", "grids")}
    assert loaded & listed == used  # the grids' file needs the other
