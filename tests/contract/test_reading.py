"""Which files of this machine may be sent: the operator's own, and those below the allowed folders, however named."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.contract import declare, errors, files, given_files, own_paths, reading, requests

SECRET = "what nobody may have"
TRICKS = [
    "{outside}/secret",
    "{root}/../outside/secret",
    "../outside/secret",
    "inner/../../outside/secret",
    "{root}-beside/secret",
    "{root}/link",
    "{root}/folder/secret",
    "folder/secret",
    "folder/../secret",
    "{root}/chain",
    "{root}//..//outside//secret",
    "{root}/inner/./../folder/./secret",
    "/proc/self/root{outside}/secret",
    "/proc/self/cwd/{outside}/secret",
    "{root}/inner/../link",
]
"""Paths to a secret that lies outside."""


@pytest.fixture
def root(tmp_path: Path) -> str:
    """An allowed folder: a file, one below it, and links that lead out of it and about in it."""
    for name in ("root/inner", "outside", "root-beside"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("outside/secret", "root-beside/secret", "secret"):
        (tmp_path / name).write_text(SECRET)
    root = tmp_path / "root"
    (root / "a.txt").write_text("a")
    (root / "inner" / "b.txt").write_text("b")
    (root / "link").symlink_to(tmp_path / "outside" / "secret")
    (root / "folder").symlink_to("../outside")
    (root / "chain").symlink_to("inner/hop")
    (root / "inner" / "hop").symlink_to("../folder/secret")
    (root / "within").symlink_to("inner/b.txt")
    (root / "loop").symlink_to("loop")
    return str(root)


def read(path: str, *roots: str) -> str:
    with reading.open_path(path, roots) as file:
        return file.read().decode()


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_outside_is_opened(root: str, trick: str) -> None:
    outside = f"{Path(root).parent}/outside"
    with pytest.raises(errors.PermanentError, match=r"\[daemon\] read_below"):
        read(trick.format(root=root, outside=outside), root)


@pytest.mark.parametrize(
    "path", ["{root}/a.txt", "a.txt", "inner/../a.txt", "{root}/../root/a.txt", "/proc/self/root{root}/a.txt"]
)
def test_what_lies_inside_is_opened_however_it_is_named(root: str, path: str) -> None:
    assert read(path.format(root=root), root) == "a"


def test_a_link_that_stays_inside_is_followed(root: str) -> None:
    assert read(f"{root}/within", root) == "b"


def test_the_root_itself_may_be_a_link_and_several_roots_may_stand(root: str, tmp_path: Path) -> None:
    (tmp_path / "named").symlink_to(root)
    assert read(str(tmp_path / "named" / "a.txt"), str(tmp_path / "named")) == "a"
    assert read(f"{root}/a.txt", str(tmp_path / "outside"), str(tmp_path / "named")) == "a"


def test_a_link_out_of_one_root_into_another_is_followed(root: str, tmp_path: Path) -> None:
    assert read(f"{root}/link", root, str(tmp_path / "outside")) == SECRET


def test_without_a_folder_nothing_is_opened_and_the_key_is_named(root: str) -> None:
    with pytest.raises(errors.PermanentError, match=r"\[daemon\] read_below names no folder") as refused:
        read(f"{root}/a.txt")
    assert SECRET not in refused.value.text


def test_a_refusal_does_not_tell_what_exists(root: str, tmp_path: Path) -> None:
    said = []
    for name in ("secret", "nothing"):
        with pytest.raises(errors.PermanentError) as refused:
            read(f"{tmp_path}/outside/{name}", root)
        said.append(refused.value.text.replace(name, "NAME"))
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "nul", "loop", "long", "root"])
def test_what_is_no_file_is_refused(root: str, kind: str) -> None:
    os.mkfifo(f"{root}/pipe")
    os.mkdir(f"{root}/folder-inside")
    names = {"folder": "folder-inside", "nul": "a\0b", "long": "x" * 5000, "root": root}
    with pytest.raises(errors.PermanentError):
        read(names.get(kind, kind), root)
    assert read("a.txt", root) == "a"


def test_a_folder_that_becomes_a_link_after_the_check_leads_nowhere(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path(root) / "inner" / "secret").write_text("harmless")
    resolve = os.path.realpath

    def resolve_then_swap(path: str) -> str:
        real = resolve(path)
        inner = Path(root) / "inner"
        if real.endswith("inner/secret"):
            inner.rename(tmp_path / "away")
            inner.symlink_to(tmp_path / "outside")
        return real

    monkeypatch.setattr(os.path, "realpath", resolve_then_swap)
    with pytest.raises(errors.PermanentError, match="symbolic link"):
        read("inner/secret", root)


def test_the_operators_own_paths_are_opened_inside_their_call_only(root: str, tmp_path: Path) -> None:
    own = str(tmp_path / "outside" / "secret")
    with own_paths.said(own_paths.of([own])):
        assert read(own) == SECRET
        with pytest.raises(errors.PermanentError, match="read_below"):
            read(f"{tmp_path}/secret")
    with pytest.raises(errors.PermanentError, match="read_below"):
        read(own)


@given(
    st.lists(
        st.sampled_from(["..", ".", "", "inner", "folder", "link", "secret", "outside", "a.txt"]), max_size=8
    )
)
def test_no_way_through_names_and_dots_leads_outside(tmp_path_factory: Any, parts: list[str]) -> None:
    top = tmp_path_factory.getbasetemp() / "walks"
    if not top.exists():
        for name in ("root/inner", "outside"):
            (top / name).mkdir(parents=True)
        (top / "outside" / "secret").write_text(SECRET)
        (top / "root" / "a.txt").write_text("a")
        (top / "root" / "inner" / "secret").write_text("a")
        (top / "root" / "link").symlink_to("../outside/secret")
        (top / "root" / "folder").symlink_to("../outside")
    try:
        found = read("/".join(parts), str(top / "root"))
    except errors.PermanentError:
        found = ""
    assert found in ("", "a")


class Several(declare.Parameters):
    """One of each form."""

    file: files.File | None = None
    parts: dict[str, files.File] | None = None
    path: str = ""


@pytest.mark.parametrize(
    "written, literal, templates",
    [
        ({"file": "/a"}, {"/a"}, []),
        ({"file": "{{ x }}", "path": "/etc/passwd"}, set(), [("file",)]),
        ({"file": "/a/{{ x }}"}, set(), [("file",)]),
        ({"file": "/a{# c #}"}, set(), [("file",)]),
        ({"file": {"name": "/b", "content": "/c"}, "path": "/d"}, set(), []),
        ({"parts": {"a": "/a", "b": "{{ x }}", "c": {"url": "/c"}}}, {"/a"}, [("parts", "b")]),
        ({"parts": "{{ x }}"}, set(), [("parts",)]),
        ({"file": 5, "parts": ["/a"]}, set(), []),
        ({}, set(), []),
    ],
)
def test_only_what_stands_as_a_path_in_the_config_is_the_operators_word(
    written: dict[str, Any], literal: set[str], templates: list[tuple[str, ...]]
) -> None:
    assert own_paths.of(text for _, text in given_files.paths(Several, written)).whole == literal
    assert [place for place, text in given_files.paths(Several, written) if "{" in text] == templates


def test_the_files_of_a_request_are_found() -> None:
    written = {"path": "/x", "files": {"file": "/a", "other": "{{ event.data.path }}"}}
    assert own_paths.of(text for _, text in given_files.paths(requests.Request, written)).whole == {"/a"}


def test_a_template_leads_below_the_folder_that_it_begins_with(root: str) -> None:
    own = own_paths.of([f"{root}/inner/{{{{ event.data.name }}}}.txt"])
    with own_paths.said(own):
        assert read(f"{root}/inner/b.txt") == "b"
        for elsewhere in (f"{root}/a.txt", f"{root}/inner/../a.txt", f"{root}/inner/hop"):
            with pytest.raises(errors.PermanentError):
                read(elsewhere)
