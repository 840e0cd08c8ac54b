"""``file.write``: what it puts on the disk, and where it refuses to."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from daemon.connectors.general import client
from daemon.connectors.general.actions import disk
from daemon.contract import configured, errors, http, own_paths
from daemon.model.runs import Doubt
from tests.connectors import stub


async def write(folder: Path | None, **given: Any) -> disk.WrittenFile:
    reach = configured.Reach((str(folder),)) if folder is not None else None
    made = client.make_client(reach, http.Http(""))
    done = await disk.write_file.call(made, disk.WriteFile.model_validate(given), stub.call_of())
    result: disk.WrittenFile = done.result
    return result


async def test_text_is_written_as_utf_8(tmp_path: Path) -> None:
    for _ in range(2):
        written = await write(tmp_path, path="reports/größe.csv", content="n\nü\n")
    assert (tmp_path / "reports/größe.csv").read_text(encoding="utf-8") == "n\nü\n"
    assert (written.path, written.size) == (f"{tmp_path}/reports/größe.csv", 5)


async def test_a_picture_is_written_from_base64(tmp_path: Path) -> None:
    octets = bytes(range(256))
    await write(tmp_path, path=str(tmp_path / "a.png"), base64=base64.b64encode(octets).decode())
    assert (tmp_path / "a.png").read_bytes() == octets


async def test_an_empty_text_makes_an_empty_file(tmp_path: Path) -> None:
    assert (await write(tmp_path, path="a", content="")).size == 0
    assert (tmp_path / "a").read_bytes() == b""


@pytest.mark.parametrize("path", ["../a", "/etc/pointsman-was-here", "a/../../b"])
async def test_nothing_is_written_elsewhere(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(errors.PermanentError, match="may not be written"):
        await write(folder, path=path, content="a")
    assert os.listdir(tmp_path) == ["out"]


async def test_without_an_allowed_folder_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(errors.PermanentError, match="names: none"):
        await write(None, path=str(tmp_path / "a"), content="a")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "given",
    [
        {"path": "a"},
        {"path": "a", "content": "a", "base64": "YQ=="},
        {"path": "a", "base64": "no base64"},
        {"path": "", "content": "a"},
    ],
)
def test_a_file_has_one_content(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        disk.WriteFile.model_validate(given)
    assert disk.write_file.doubt is Doubt.REPEATABLE


@pytest.mark.parametrize(
    "written, path, goes",
    [
        ("{tmp}/out/a.csv", "{tmp}/out/a.csv", True),
        ("{tmp}/out/{{{{ x }}}}.csv", "{tmp}/out/b/c.csv", True),
        ("{tmp}/out/{{{{ x }}}}.csv", "{tmp}/out/../a.csv", False),
        ("{tmp}/out/{{{{ x }}}}.csv", "{tmp}/a.csv", False),
        ("{tmp}/out/{{{{ x }}}}.csv", "a.csv", False),
        ("{tmp}/out{{{{ x }}}}", "{tmp}/outside", True),
        ("{{{{ x }}}}", "{tmp}/out/a.csv", False),
        ("/{{{{ x }}}}", "{tmp}/out/a.csv", False),
        ("{tmp}/out/../{{{{ x }}}}", "{tmp}/a.csv", False),
    ],
)
async def test_a_path_goes_as_far_as_the_config_says_it(
    tmp_path: Path, written: str, path: str, goes: bool
) -> None:
    own, path = own_paths.of([written.format(tmp=tmp_path)]), path.format(tmp=tmp_path)
    with own_paths.said(own):
        if goes:
            await write(None, path=path, content="a")
        else:
            with pytest.raises(errors.PermanentError):
                await write(None, path=path, content="a")
    made = [f"{folder}/{name}" for folder, _, names in os.walk(tmp_path) for name in names]
    assert made == ([path] if goes else [])
