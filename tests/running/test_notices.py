"""``notify.send`` through the engine: who was told is remembered with the step, who may have been told is held."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from daemon.connectors.general.client import GeneralClient
from daemon.contract import http
from daemon.contract.secret_forms import Secret
from daemon.model import jsons, times
from daemon.model.reactions import Reaction
from daemon.model.runs import Run, RunStatus, StepStatus
from daemon.running import deciding
from tests import waiting
from tests.connectors import stub
from tests.running.world import World, reaction, step

PASSWORD = "canary-notice-yranac"


@pytest.fixture
async def chat() -> AsyncIterator[stub.Stub]:
    async with stub.serving() as served:
        yield served


@pytest.fixture
async def phone() -> AsyncIterator[stub.Stub]:
    async with stub.serving() as served:
        yield served


@contextmanager
def people(world: World, **servers: stub.Stub) -> Iterator[None]:
    """The world's ``[notify]`` leads to *servers*, by name."""
    addresses = {
        name: Secret("text", f"json://ada:{PASSWORD}@{one.url.removeprefix('http://')}")
        for name, one in servers.items()
    }
    clients = {**world.services.clients, "general": GeneralClient(http.Http(""), targets=addresses)}
    before, world.services = world.services, replace(world.services, clients=clients)
    try:
        yield
    finally:
        world.services = before


def telling(**values: object) -> Reaction:
    return reaction("tell", step("notify.send", to=["chat", "phone"], body="hello"), step("put"), **values)


async def the_run(world: World) -> Run:
    (run,) = await world.runs()
    return run


async def test_who_was_told_is_not_told_again_after_a_restart(
    world: World, chat: stub.Stub, phone: stub.Stub
) -> None:
    chat.answer({})
    phone.answer({}, 503).answer({})
    with people(world, chat=chat, phone=phone):
        world.react(telling())
        await world.react_to()
        first = await the_run(world)
        assert (first.status, len(chat.asked), len(phone.asked)) == (RunStatus.WAITING, 1, 1)
        await world.crash()
        await world.later(times.MINUTE)
    run = await the_run(world)
    assert run.status is RunStatus.SUCCEEDED
    assert (len(chat.asked), len(phone.asked)) == (1, 2)
    sent, _ = await world.steps(run)
    assert [one["to"] for one in sent.response["sent"]] == ["chat", "phone"]
    assert PASSWORD not in jsons.dumps([sent.request, sent.response, sent.before])


async def test_who_was_told_is_not_told_again_by_a_retry_by_hand(
    world: World, chat: stub.Stub, phone: stub.Stub
) -> None:
    chat.answer({})
    phone.answer({}, 404).answer({})
    with people(world, chat=chat, phone=phone):
        world.react(telling())
        dead = await world.react_to()
        assert dead.status is RunStatus.DEAD
        assert dead.error is not None
        assert "phone (JSON): it answered 404. Told: chat." in dead.error
        now = world.clock.now()
        await world.journal.write(lambda connection: deciding.retry(connection, dead.id, now))
        await world.settle()
    assert (await the_run(world)).status is RunStatus.SUCCEEDED
    assert (len(chat.asked), len(phone.asked)) == (1, 2)


@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_doubt_about_one_is_held_and_the_other_is_not_told_again(
    world: World, chat: stub.Stub, phone: stub.Stub, by_hand: bool
) -> None:
    chat.answer({})
    phone.answer({}, 504).answer({})
    with people(world, chat=chat, phone=phone):
        world.react(telling() if by_hand else telling(on_doubt="redo"))
        held = await world.react_to()
        if by_hand:
            assert held.status is RunStatus.IN_DOUBT
            (told,) = await world.events("pointsman.run.in_doubt")
            assert "Nobody knows whether it reached phone" in told.data["error"]
            now = world.clock.now()
            await world.journal.write(lambda connection: deciding.resolve_redo(connection, held.id, now))
        await world.later(times.MINUTE)
    assert (await the_run(world)).status is RunStatus.SUCCEEDED
    assert (len(chat.asked), len(phone.asked)) == (1, 2)


async def test_a_death_with_the_message_under_way_is_held(world: World) -> None:
    asked: list[bytes] = []
    closed: list[bool] = []
    freed = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"}"))
        await freed.wait()
        writer.close()
        await writer.wait_closed()
        closed.append(True)

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        silent = stub.Stub(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with people(world, chat=silent, phone=silent):
            world.react(telling())
            await world.tell()
            await world.begin()
            await waiting.wait_for(lambda: len(asked) == 2, what="two messages under way")
            await world.crash()
            await world.settle()
            await world.later(times.DAY)
        freed.set()
        await waiting.wait_for(lambda: len(closed) == 2, what="the end of both connections")
    run = await the_run(world)
    held = (await world.steps(run))[0]
    assert (run.status, held.status, held.attempts) == (RunStatus.IN_DOUBT, StepStatus.IN_DOUBT, 1)
    assert len(asked) == 2
