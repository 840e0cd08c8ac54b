"""Plotly and the whole daemon: lost answers that double nothing, a watch of files, a picture on the disk."""

import pytest

from daemon.sandbox import faults
from tests.journeys.daemons import Daemon, reaction, step

QUICK = '{ attempts = 20, first = "100ms", max = "300ms" }'
GRID = 'filename = "jobs/signups", rows = [{ city = "Bonn", n = 1 }]'
ROWS = 'fid = "{{ steps.grid.fid }}", rows = [{ n = 2, city = "Ulm" }]'
COLUMNS = 'fid = "{{ steps.grid.fid }}", columns = { rank = [2, 1] }'
PLOT = 'filename = "jobs/chart", grid = "{{ steps.grid.fid }}", data = [{ type = "bar", xsrc = "city", ysrc = "n" }]'
MADE = ["folder.created", "grid.created", "grid.rows_appended", "grid.columns_appended", "plot.created"]


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
async def test_what_a_lost_answer_hid_is_made_once(daemon: Daemon, fault: str) -> None:
    steps = (
        step("plotly.create_grid", GRID, id="grid"),
        step("plotly.append_rows", ROWS),
        step("plotly.append_columns", COLUMNS),
        step("plotly.create_plot", PLOT),
    )
    daemon.configure(reaction("chart", "order.came", *steps, retry=QUICK))
    for path in ("*/grids", "*/row", "*/col", "*/plots"):
        daemon.sandbox.faults.add(faults.Fault("plotly", fault, method="POST", path=path))
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("chart", "succeeded")
    assert (run["status"], run["error"]) == ("succeeded", None)
    assert [effect for effect, _ in daemon.sandbox.ledger.effects("plotly")] == MADE
    grid = next(one for one in daemon.sandbox.plotly.files.values() if one["filetype"] == "grid")
    assert {column["name"]: column["data"] for column in grid["columns"]} == {
        "city": ["Bonn", "Ulm"],
        "n": [1, 2],
        "rank": [2, 1],
    }


async def test_a_new_file_is_drawn_and_the_picture_written(daemon: Daemon) -> None:
    folder = daemon.folder / "out"
    folder.mkdir()
    daemon.configure(
        '[[watch]]\nname = "files"\nservice = "plotly"\nresource = "files"\nevery = "200ms"\nbackfill = true\n',
        reaction(
            "draw",
            "plotly.file.added",
            step("plotly.render_image", 'data = [{ y = [1, 2] }], format = "png"', id="image"),
            step(
                "file.write",
                'path = "{{ event.data.file.filename }}.png", base64 = "{{ steps.image.image }}"',
            ),
            retry=QUICK,
        ),
    )
    text = daemon.config.read_text().replace("[daemon]", f'[daemon]\nwrite_below = ["{folder}"]', 1)
    daemon.config.write_text(text)
    daemon.sandbox.plotly.keep("grid", "signups", -1, {}, columns=[])
    await daemon.start()
    (run,) = await daemon.until_runs("draw", "succeeded")
    assert (run["status"], run["error"]) == ("succeeded", None)
    assert (folder / "signups.png").read_bytes().startswith(b"\x89PNG")
    (told,) = daemon.events("plotly.file.added")
    assert (told["subject"], told["data"]["file"]["share_key"]) == ("ada:0", "[blanked]")
