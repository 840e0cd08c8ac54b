"""Files are written below what is allowed, whole or not at all, and over no link."""

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.contract import errors, writing

ROOTS = ("/srv/out", "/srv/out/deep", "/var/reports")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def write(root: Path, path: str, content: bytes = b"new") -> Path:
    place = writing.find_place(path, [str(root)])
    writing.write(place, content)
    return Path(place.path)


@pytest.mark.parametrize(
    "path,root,parts",
    [
        ("a.csv", "/srv/out", ("a.csv",)),
        ("2026/a.csv", "/srv/out", ("2026", "a.csv")),
        ("/srv/out/a.csv", "/srv/out", ("a.csv",)),
        ("/srv/out/deep/a.csv", "/srv/out/deep", ("a.csv",)),
        ("/var/reports/x/y", "/var/reports", ("x", "y")),
    ],
)
def test_a_path_leads_below_an_allowed_folder(path: str, root: str, parts: tuple[str, ...]) -> None:
    place = writing.find_place(path, ROOTS)
    assert (place.root, place.parts) == (root, parts)
    assert place.path == f"{root}/{'/'.join(parts)}"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/srv/outside",
        "/srv/out",
        "/srv/out/",
        "/srv/out/../x",
        "../x",
        "a/../../x",
        "a//b",
        "./a",
        "a/",
        "a\0b",
        "a\nb",
        "ä" * 200,
        "",
    ],
)
def test_any_other_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        writing.find_place(path, ROOTS)


def test_without_a_folder_nothing_may_be_written() -> None:
    with pytest.raises(ValueError, match="write_below"):
        writing.find_place("a", [])


@given(st.text(alphabet="/.ab\0", max_size=12))
def test_no_path_leads_out(path: str) -> None:
    try:
        place = writing.find_place(path, ["/r"])
    except ValueError:
        return
    assert os.path.normpath(place.path) == place.path
    assert place.path.startswith("/r/")


@pytest.mark.parametrize("text", ["out", "/", "//", "", "/a/../b", "/a//b", "/./a"])
def test_a_folder_is_named_from_the_root_on(text: str) -> None:
    with pytest.raises(ValueError, match="from the root on"):
        writing.check_root(text)
    assert writing.check_root("/srv/out/") == "/srv/out"


def test_a_file_is_written_and_replaced_with_its_folders_made(root: Path) -> None:
    path = write(root, "2026/11/a.csv", b"one")
    assert path.read_bytes() == b"one"
    write(root, "2026/11/a.csv", b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.csv"]


def test_readers_see_the_old_file_or_the_new_one(root: Path) -> None:
    sizes = set()
    path = write(root, "a", b"x" * 100_000)
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            sizes.add(len(path.read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    for size in (200_000, 100_000) * 10:
        write(root, "a", b"x" * size)
    ended.set()
    reader.join()
    assert sizes <= {100_000, 200_000}


def test_a_link_on_the_way_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "link").symlink_to(outside, target_is_directory=True)
    with pytest.raises(errors.PermanentError, match="symbolic link"):
        write(root, "link/a")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_the_files_place_is_left_as_it_is(root: Path, tmp_path: Path, there: bool) -> None:
    target = tmp_path / "target"
    if there:
        target.write_bytes(b"old")
    (root / "a").symlink_to(target)
    with pytest.raises(errors.PermanentError, match="a symbolic link, and is left"):
        write(root, "a")
    assert (root / "a").is_symlink()
    assert target.exists() == there


def test_a_folder_or_a_pipe_in_the_files_place_is_left_as_it_is(root: Path) -> None:
    (root / "a").mkdir()
    os.mkfifo(root / "b")
    for name in ("a", "b"):
        with pytest.raises(errors.PermanentError, match="no plain file"):
            write(root, name)
    assert (root / "a").is_dir()


def test_a_file_in_a_folders_place_is_an_error(root: Path) -> None:
    write(root, "a", b"old")
    with pytest.raises(errors.PermanentError, match="no folder"):
        write(root, "a/b")
    assert (root / "a").read_bytes() == b"old"


def test_a_root_that_is_a_link_is_the_operators_own_affair(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root, target_is_directory=True)
    write(link, "a")
    assert (root / "a").read_bytes() == b"new"


def test_a_root_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(errors.PermanentError, match="cannot write"):
        write(tmp_path / "nowhere", "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "number,wanted", [(errno.ENOSPC, errors.TemporaryError), (errno.EROFS, errors.PermanentError)]
)
def test_a_full_disk_passes_and_leaves_the_old_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, wanted: type[errors.ServiceError]
) -> None:
    path = write(root, "a", b"old")

    def fail(_file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(wanted, match="cannot write") as failed:
        write(root, "a")
    monkeypatch.undo()
    assert type(failed.value) is wanted
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in root.iterdir()] == ["a"]
