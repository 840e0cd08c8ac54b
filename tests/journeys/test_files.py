"""Files on their way through the whole daemon: fetched from an allowed host, and from no other; links stay secret."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import test_utils, web

from tests.journeys.daemons import Daemon, reaction, step

SIGNATURE = "canary-51c7d0a2e9"
CONTENT = b"%PDF" * 50_000


class Store:
    """Serves one file to whoever knows the signature, and counts who asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers.get("Authorization", "nobody"))
        good = SIGNATURE in request.query_string
        return web.Response(body=CONTENT if good else b"", status=200 if good else 403)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    served = Store()
    application = web.Application()
    application.router.add_get("/{tail:.*}", served.serve)
    async with test_utils.TestServer(application) as server:
        served.url = str(server.make_url("")).rstrip("/")
        yield served


def upload(file: str) -> str:
    return reaction(
        "upload",
        "order.came",
        step("populr.upload_document", f"file = {file}", "document"),
        step("state.set", 'key = "id", value = "{{ steps.document.id }}"'),
    )


def allow(daemon: Daemon, host: str) -> None:
    """Name *host* in the config."""
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace("[http]\n", f'[http]\nallow_hosts = ["{host}"]\n', 1))


async def test_a_link_from_an_event_is_fetched_without_the_accounts_credentials(
    daemon: Daemon, store: Store
) -> None:
    daemon.configure(upload('{ name = "offer.pdf", url = "{{ event.data.link }}" }'))
    allow(daemon, store.url.removeprefix("http://"))
    await daemon.start()
    await daemon.order(link=f"{store.url}/offer?key={SIGNATURE}")
    await daemon.until_runs("upload", "succeeded")
    (asset,) = daemon.sandbox.populr.assets.values()
    assert (asset["filename"], asset["size"]) == ("offer.pdf", len(CONTENT))
    assert store.asked == ["nobody"]


async def test_the_signature_of_a_link_is_neither_in_the_step_nor_in_the_log(
    daemon: Daemon, store: Store
) -> None:
    daemon.configure(upload(f'{{ url = "{store.url}/offer.pdf?sig={SIGNATURE}" }}'))
    allow(daemon, store.url.removeprefix("http://"))
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("upload", "succeeded")
    (asset,) = daemon.sandbox.populr.assets.values()
    assert (asset["filename"], asset["size"]) == ("offer.pdf", len(CONTENT))
    steps = daemon.rows("SELECT * FROM steps WHERE run_id = ?", run["id"])
    assert len(steps) == 2
    assert "offer.pdf?sig=[blanked]" in str(steps)
    assert SIGNATURE not in str(steps) + daemon.log.read_text()


@pytest.mark.parametrize("allowed, said", [("elsewhere.example", "allow_hosts"), ("", "403")])
async def test_a_file_that_cannot_be_had_ends_the_run_and_uploads_nothing(
    daemon: Daemon, store: Store, allowed: str, said: str
) -> None:
    daemon.configure(upload(f'{{ url = "{store.url}/offer" }}'))
    allow(daemon, allowed or store.url.removeprefix("http://"))
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("upload", "dead")
    assert said in run["error"]
    assert len(store.asked) == (0 if allowed else 1)
    assert daemon.sandbox.ledger.read("populr") == []
    assert daemon.events("pointsman.service.down") == []


async def test_an_event_cannot_choose_a_file_of_the_machine(daemon: Daemon) -> None:
    allowed, secret = daemon.folder / "orders", daemon.folder / "secret.pdf"
    allowed.mkdir()
    secret.write_text("not for anybody")
    (allowed / "offer.pdf").write_text("offer")
    (allowed / "link.pdf").symlink_to(secret)
    daemon.configure(upload('"{{ event.data.path }}"'))
    daemon.config.write_text(
        daemon.config.read_text().replace("[daemon]", f'[daemon]\nread_below = ["{allowed}"]', 1)
    )
    await daemon.start()
    for path in (secret, f"{allowed}/../secret.pdf", "link.pdf"):
        await daemon.order(path=str(path))
    refused = await daemon.until_runs("upload", "dead", "dead", "dead")
    assert all("[daemon] read_below" in run["error"] for run in refused)
    assert daemon.sandbox.ledger.read("populr") == []
    await daemon.order(path="offer.pdf")
    await daemon.until_runs("upload", "dead", "dead", "dead", "succeeded")
    (asset,) = daemon.sandbox.populr.assets.values()
    assert (asset["filename"], asset["size"]) == ("offer.pdf", 5)


async def test_a_file_that_the_config_names_is_the_operators_and_no_other_in_the_same_call(
    daemon: Daemon,
) -> None:
    own, other = daemon.folder / "own.pdf", daemon.folder / "other.pdf"
    own.write_text("brochure")
    other.write_text("not for anybody")
    parts = f'{{ file = "{own}", more = "{{{{ event.data.path }}}}" }}'
    call = f'method = "POST", path = "/documents", files = {parts}'
    daemon.configure(
        upload(f'"{own}"') + "\n" + reaction("both", "order.came", step("populr.request", call, "sent"))
    )
    await daemon.start()
    await daemon.order(path=str(other))
    await daemon.until_runs("upload", "succeeded")
    (run,) = await daemon.until_runs("both", "dead")
    assert "[daemon] read_below names no folder" in run["error"]
    (asset,) = daemon.sandbox.populr.assets.values()
    assert (asset["filename"], asset["size"]) == ("own.pdf", 8)
