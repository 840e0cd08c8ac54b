"""Files that a call sends: each form of a parameter, what is refused, and that no file is held in memory whole."""

import csv
import io
import os
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import BodyPartReader, test_utils, web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from daemon.contract import errors, fetching, files, guard, http, requests

ROWS = [{"city": "Bergen", "sales": 3, "note": None}, {"city": 'Osl"o, x', "sales": 4.5, "more": {"a": [1]}}]
LARGE = 200 * 1024 * 1024  # bytes
MOST_MEMORY = 16 * 1024 * 1024  # bytes
FORM = TypeAdapter(files.File)


class Server:
    """Counts the bytes of each part that comes, and serves a file of :data:`LARGE` zeros and some refusals."""

    def __init__(self) -> None:
        self.url = ""
        self.parts: dict[str, tuple[str | None, int]] = {}
        self.length: str | None = None
        self.asked = 0

    async def take(self, request: web.Request) -> web.Response:
        self.length = request.headers.get("Content-Length")
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            assert isinstance(part, BodyPartReader)
            size = 0
            while chunk := await part.read_chunk():
                size += len(chunk)
            self.parts[str(part.name)] = (part.filename, size)
        return web.json_response({"id": 1})

    async def give(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        match request.path:
            case "/moved":
                return web.Response(status=302, headers={"Location": "http://elsewhere.example/x"})
            case "/closed":
                return web.Response(status=401)
            case "/busy":
                return web.Response(status=503, headers={"Retry-After": "7"})
            case "/none":
                return web.Response(status=404)
            case "/half":
                stream = web.StreamResponse(headers={"Content-Length": "100"})
                await stream.prepare(request)
                await stream.write(b"half")
                assert request.transport is not None
                request.transport.close()
                return stream
        stream = web.StreamResponse(headers={"Content-Type": "text/csv; charset=utf-8"})
        await stream.prepare(request)
        for _ in range(LARGE // 65536 if request.path == "/large.csv" else 1):
            await stream.write(bytes(65536))
        return stream


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    served = Server()
    application = web.Application(client_max_size=2 * LARGE)
    application.router.add_post("/{tail:.*}", served.take)
    application.router.add_get("/{tail:.*}", served.give)
    async with test_utils.TestServer(application) as server:
        served.url = str(server.make_url("")).rstrip("/")
        yield served


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as served:
        yield served


@pytest.fixture
async def client(server, tmp_path, monkeypatch) -> AsyncIterator[http.Http]:
    """An account's way, which may fetch from the server alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    outside = http.Http("", guarded=guard.parse_guard([server.url.removeprefix("http://")]))
    way = http.Http(server.url, fetch=partial(fetching.fetch, outside), read_below=[str(tmp_path)])
    yield way
    await way.close()
    await outside.close()


@pytest.mark.parametrize(
    "given, name, size",
    [
        ({"name": "a.txt", "content": "héllo"}, "a.txt", 6),
        ({"rows": ROWS}, "rows.csv", len(files.write_csv(ROWS))),
        ({"name": "sales.csv", "rows": []}, "sales.csv", 2),
        ({"name": "b.bin", "url": "/small.csv?x=1"}, "b.bin", 65536),
        ({"url": "/folder/sm%C3%A5ll.csv?x=1"}, "småll.csv", 65536),
        ({"url": "/"}, "file", 65536),
    ],
)
async def test_each_form_becomes_a_part(server, client, given, name, size):
    if "url" in given:
        given = {**given, "url": server.url + given["url"]}
    reply = await client.send("POST", "/take", files={"data": FORM.validate_python(given)}, form={"a": 1})
    assert reply.status == 200
    assert server.parts == {"a": (None, 1), "data": (name, size)}
    assert int(server.length) > size


async def test_a_path_is_sent_under_its_last_name_again_and_again(server, client, tmp_path):
    place = tmp_path / 'a "b"\r\nX: å.csv'
    place.write_bytes(b"12345")
    for _ in range(2):
        await client.send("POST", "/take", files={"file": str(place)})
        assert server.parts.pop("file") == ('a "b"__X: å.csv', 5)


async def test_a_large_file_is_not_held_in_memory(server, client, tmp_path):
    place = tmp_path / "large.bin"
    with place.open("wb") as sparse:
        sparse.truncate(LARGE)
    tracemalloc.start()
    try:
        await client.send("POST", "/take", files={"file": str(place)})
        await client.send("POST", "/take", files={"fetched": files.GivenFile(url=f"{server.url}/large.csv")})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert server.parts == {"file": ("large.bin", LARGE), "fetched": ("large.csv", LARGE)}
    assert peak < MOST_MEMORY
    assert [one.name for one in tmp_path.iterdir()] == ["large.bin"]


async def test_more_bytes_have_more_time(server, tmp_path):
    way = http.Http(server.url, timeout=1)
    try:
        with pytest.raises(errors.TemporaryError):
            await way.send("POST", "/take", form={"a": 1})
        content = files.GivenFile(name="a", content="x" * 8 * http.SLOWEST_UPLOAD)
        reply = await way.send("POST", "/take", files={"file": content})
    finally:
        await way.close()
    assert reply.status == 200


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"name": "a"},
        {"content": "x"},
        {"name": "", "content": "x"},
        {"name": "a\nb", "content": "x"},
        {"name": "a", "content": "x", "url": "https://a.example/"},
        {"url": "ftp://a.example/x"},
        {"url": "https://ada:pass-word@a.example/x"},
        {"name": "a", "rows": [1]},
        {"name": "a", "content": "x", "more": 1},
        ["a"],
    ],
)
def test_what_is_no_file_is_refused(given):
    with pytest.raises(ValidationError) as refused:
        requests.Request.model_validate({"path": "/x", "files": {"data": given}})
    assert "pass-word" not in str(refused.value)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "nul"])
async def test_what_cannot_be_read_to_an_end_is_refused(server, client, tmp_path, kind):
    place = tmp_path / kind
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    path = "a\x00b" if kind == "nul" else str(place)
    with pytest.raises(errors.PermanentError, match="cannot read the file"):
        await client.send("POST", "/take", files={"file": path})
    assert server.parts == {}


@pytest.mark.parametrize(
    "path, kind, said",
    [
        ("/moved", errors.PermanentError, "elsewhere.example"),
        ("/closed", errors.PermanentError, "401"),
        ("/none", errors.PermanentError, "404"),
        ("/busy", errors.TemporaryError, "503"),
        ("/half", errors.TemporaryError, "connection broke"),
    ],
)
async def test_a_fetch_that_fails_says_nothing_of_the_account(server, client, path, kind, said):
    with pytest.raises(kind, match=said) as failed:
        await client.send("POST", "/take", files={"file": files.GivenFile(url=server.url + path)})
    assert server.parts == {}
    assert failed.value.text.startswith("the file cannot be fetched")
    if isinstance(failed.value, errors.TemporaryError):
        told = failed.value
        assert (told.elsewhere, told.in_doubt, told.unauthorized) == (True, False, False)
        assert told.retry_after == (7_000_000 if path == "/busy" else None)
    assert failed.value.status is None


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:1", "private.example"])
async def test_only_allowed_hosts_are_asked(server, client, host):
    with pytest.raises(errors.PermanentError, match="allow_hosts"):
        await client.send("POST", "/take", files={"file": files.GivenFile(url=f"http://{host}/x")})
    assert (server.asked, server.parts) == (0, {})


async def test_a_name_that_leads_to_a_private_address_is_refused(server):
    outside = http.Http("", guarded=guard.parse_guard(["*.localhost", "local*"]))
    address = server.url.replace("127.0.0.1", "localhost") + "/small"
    try:
        with pytest.raises(errors.PermanentError, match="private address"):
            await fetching.fetch(outside, address, io.BytesIO())
    finally:
        await outside.close()
    assert server.asked == 0


async def test_a_file_that_is_too_large_is_refused(server, client, tmp_path):
    outside = http.Http("", guarded=guard.parse_guard(["127.0.0.1"]))
    kept = io.BytesIO()
    try:
        with pytest.raises(errors.PermanentError, match="larger than 1000 bytes"):
            await fetching.fetch(outside, f"{server.url}/large.csv", kept, largest=1000)
    finally:
        await outside.close()
    assert len(kept.getvalue()) <= 1000


async def test_without_a_way_out_nothing_is_fetched(server):
    way = http.Http(server.url)
    try:
        with pytest.raises(errors.PermanentError, match="cannot be fetched"):
            await way.send("POST", "/take", files={"file": files.GivenFile(url=f"{server.url}/small")})
    finally:
        await way.close()
    assert server.asked == 0


async def test_a_full_disk_says_nothing_of_the_account(server, monkeypatch):
    async def fill(address, into):
        raise OSError(28, "No space left on device")

    way = http.Http(server.url, fetch=fill)
    try:
        with pytest.raises(errors.TemporaryError, match="No space left") as full:
            await way.send("POST", "/take", files={"file": files.GivenFile(url=f"{server.url}/small")})
    finally:
        await way.close()
    assert (full.value.elsewhere, full.value.in_doubt) == (True, False)


def test_fetched_files_lie_on_a_disk_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(files, "SPOOL_FOLDER", str(tmp_path))
    assert files.spool_folder() == str(tmp_path)
    monkeypatch.setattr(files, "SPOOL_FOLDER", str(tmp_path / "none"))
    assert files.spool_folder() is None
    monkeypatch.setattr(files, "SPOOL_FOLDER", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert files.spool_folder() is None


def test_rows_become_a_table():
    text = files.write_csv(ROWS).decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["city", "sales", "note", "more"],
        ["Bergen", "3", "", ""],
        ['Osl"o, x', "4.5", "", '{"a":[1]}'],
    ]


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=5)


@given(st.lists(st.dictionaries(names, names, min_size=1), min_size=1, max_size=4))
def test_any_rows_can_be_read_back(rows):
    text = files.write_csv(rows).decode()
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [{name: value for name, value in row.items() if value} for row in read] == rows
