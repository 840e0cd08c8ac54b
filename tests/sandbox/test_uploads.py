"""Files that are sent to the simulated services: of any size, counted and not held."""

import tracemalloc

import aiohttp

from tests.sandbox import calling

LARGE = 200 * 1024 * 1024  # bytes
MOST_MEMORY = 16 * 1024 * 1024  # bytes


async def test_a_large_file_is_taken_and_not_held(caller: calling.Caller, tmp_path) -> None:
    place = tmp_path / "large.pdf"
    with place.open("wb") as sparse:
        sparse.truncate(LARGE)
    body = aiohttp.FormData()
    body.add_field("title", "Brochure")
    with place.open("rb") as file:
        body.add_field("file", file, filename="large.pdf")
        tracemalloc.start()
        try:
            answer = await caller.call("populr", "POST", "/documents", data=body)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.status == 200
    kept = caller.sandbox.populr.assets[answer.body["_id"]]
    assert (kept["title"], kept["filename"], kept["size"]) == ("Brochure", "large.pdf", LARGE)
    assert peak < MOST_MEMORY
