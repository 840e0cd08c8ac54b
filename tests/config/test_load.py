from pathlib import Path

import pytest

from daemon.config import load
from daemon.config.load import Source


def write(folder: Path, **files: str) -> Source:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return load.load(folder / "config.toml")


def told(source: Source) -> list[str]:
    return [str(one).replace(f"{source.folder}/", "") for one in source.problems]


def test_tables_merge_and_arrays_append(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        config='include = ["more.toml"]\n[http]\nallow_hosts = ["a"]\n[[watch]]\nname = "one"\n',
        more='[http]\nmax_body = "2MiB"\nallow_hosts = ["b"]\n\n[[watch]]\nname = "two"\n',
    )
    assert told(source) == []
    assert source.tree["http"] == {"allow_hosts": ["a", "b"], "max_body": "2MiB"}
    assert [one["name"] for one in source.tree["watch"]] == ["one", "two"]


def test_places_are_in_the_file_that_a_part_came_from(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        config='include = ["more.toml"]\n[http]\nallow_hosts = ["a"]\n[[watch]]\nname = "one"\n',
        more='\n[http]\nallow_hosts = ["b"]\n[[watch]]\nname = "two"\n[watch.options]\nx = 1\n',
    )
    main, more = (str(tmp_path / name) for name in ("config.toml", "more.toml"))
    assert source.place(("watch", 0, "name")).file == main
    found = source.place(("watch", 1, "name"))
    assert (found.file, found.line, found.column) == (more, 5, 8)
    assert source.place(("http", "allow_hosts", 1)).line == 3
    assert source.place(("http", "allow_hosts", 1)).file == more
    assert source.place(("http",), "table").file == main
    assert source.place(("watch", 1, "options", "missing"), "key").line == 6
    assert source.place(("nowhere", 3)).file == main


def test_globs_are_relative_to_the_file_and_sorted(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        config='include = ["conf.d/*.toml", "conf.d/b.toml"]\n',
        conf_d__x="",
        **{"conf.d__b": '[[watch]]\nname = "b"\n', "conf.d__a": '[[watch]]\nname = "a"\n'},
    )
    assert [one["name"] for one in source.tree["watch"]] == ["a", "b"]
    assert told(source) == []


def test_a_glob_may_match_nothing_but_a_name_may_not(tmp_path: Path) -> None:
    source = write(tmp_path, config='include = [\n  "conf.d/*.toml",\n  "one.toml",\n]\n')
    assert told(source) == ["config.toml:3:3: there is no file one.toml to include. Correct the path."]


@pytest.mark.parametrize(
    "more, expected",
    [
        (
            '[daemon]\nnode = "b"\n',
            "more.toml:2:1: node is set twice, first in config.toml:3. Keep one of the two.",
        ),
        (
            'daemon = "b"\n',
            "more.toml:1:1: daemon is set twice, first in config.toml:2. Keep one of the two.",
        ),
    ],
)
def test_a_key_set_in_two_files_is_told_in_the_second(tmp_path: Path, more: str, expected: str) -> None:
    source = write(tmp_path, config='include = ["more.toml"]\n[daemon]\nnode = "a"\n', more=more)
    assert told(source) == [expected]
    assert source.tree["daemon"]["node"] == "a"


def test_the_other_files_are_read_when_one_is_not_toml(tmp_path: Path) -> None:
    source = write(
        tmp_path, config='include = ["a.toml", "b.toml"]\nx = \n', a="y = [\n", b="[daemon]\nnode = 1\n"
    )
    assert not source.whole
    assert [Path(one.place.file).name for one in source.problems] == ["config.toml", "a.toml"]
    assert source.tree["daemon"] == {"node": 1}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    source = load.load(tmp_path / "config.toml")
    text = "config.toml:1:1: the file cannot be read (No such file or directory)."
    assert told(source) == [f"{text} Name another: pointsman --config FILE."]


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes('[daemon]\n# ü\nnode = "caf'.encode() + b'\xe9"\n')
    source = load.load(tmp_path / "config.toml")
    assert told(source) == ["config.toml:3:12: the file is not UTF-8 text."]


def test_columns_count_characters_and_lines_may_end_in_crlf(tmp_path: Path) -> None:
    source = write(tmp_path, config='a = 1\r\n"schlüssel 🚂" = "x"\r\n\tb = { "é" = 2 }\r\n')
    found = source.place(("schlüssel 🚂",))
    assert (found.line, found.column) == (2, 17)
    found = source.place(("b", "é"))
    assert (found.line, found.column) == (3, 14)


def test_a_key_set_twice_in_one_file_points_at_the_second(tmp_path: Path) -> None:
    source = write(tmp_path, config='[daemon]\nnode = "a"\n   node   =   "b"\n')
    assert told(source) == ["config.toml:3:4: node is set twice. Keep one of the two."]


@pytest.mark.parametrize(
    "text, place",
    [
        ("t = { x = 1, y = 2, x = 3 }\n", "1:21"),
        ("a.b = 1\na.b = 2\n", "2:3"),
        ("[t]\nx = 1\n[t.x]\n", "3:4"),
        ("[[t]]\n[t]\n", "2:2"),
    ],
)
def test_every_way_to_set_a_key_twice(tmp_path: Path, text: str, place: str) -> None:
    (line,) = told(write(tmp_path, config=text))
    assert line.startswith(f"config.toml:{place}: ")
    assert "is set twice" in line


def test_nesting_too_deep_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, config=f"x = {'[' * 100}{']' * 100}\n")
    assert [one.text for one in source.problems] == [
        "the file has more than 64 tables and lists inside one another"
    ]
    assert source.tree == {}


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path, config=f"x = {'[' * 50_000}\n")
    assert len(source.problems) == 1
    assert source.problems[0].text.startswith("not TOML")
