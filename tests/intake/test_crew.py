"""As few tasks as there are pieces of work that wait, and none that holds up another."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from daemon.intake.crew import TURN, Crew
from daemon.model.times import MINUTE, SECOND
from tests import waiting

MOST = 100


class Work:
    """Pieces as they went: a piece that is named in *gates* waits there, one in *broken* raises."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.late: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.broken: set[str] = set()
        self.began: list[str] = []
        self.tasks: dict[str, object] = {}

    async def do(self, piece: str) -> None:
        self.began.append(piece)
        self.tasks[piece] = asyncio.current_task()
        if piece in self.broken:
            raise RuntimeError(piece)
        if piece in self.gates:
            await self.gates[piece].wait()
        self.done.append(piece)

    async def cut(self, piece: str) -> None:
        self.late.append(piece)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def crew(work: Work) -> AsyncIterator[Crew[str]]:
    made = Crew(work.do, work.cut, MINUTE, MOST)
    yield made
    await made.stop()


async def test_pieces_that_never_wait_share_a_task_in_their_order(work: Work, crew: Crew[str]) -> None:
    pieces = [f"p{n}" for n in range(50)]
    crew.add(pieces)
    await waiting.wait_for(lambda: len(work.done) == 50)
    assert work.done == pieces
    assert (
        len(set(work.tasks.values())) <= 2
    )  # the other one has begun where the first let others have a turn


async def test_a_long_row_of_pieces_leaves_turns_to_others(work: Work, crew: Crew[str]) -> None:
    seen: list[int] = []

    async def look() -> None:
        while len(work.done) < 200:
            seen.append(len(work.done))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    crew.add(f"p{n}" for n in range(200))
    await waiting.wait_for(looking.done)
    assert max(after - before for before, after in pairwise(seen)) <= TURN


async def test_what_waits_holds_up_nobody(work: Work, crew: Crew[str]) -> None:
    work.gates = {f"w{n}": asyncio.Event() for n in range(20)}
    crew.add([*work.gates, "quick"])
    await waiting.wait_for(lambda: work.done == ["quick"])
    assert work.began == [*work.gates, "quick"]
    assert len(set(work.tasks.values())) == 21
    crew.add(["later"])
    await waiting.wait_for(lambda: work.done == ["quick", "later"])
    for gate in work.gates.values():
        gate.set()
    await waiting.wait_for(lambda: len(work.done) == 22)
    assert set(work.done) == {*work.gates, "quick", "later"}


async def test_a_piece_that_takes_too_long_is_cut_and_what_comes_after_it_has_its_own_time(
    work: Work,
) -> None:
    work.gates = {"slow": asyncio.Event(), "slower": asyncio.Event()}
    crew = Crew(work.do, work.cut, SECOND // 5, MOST)
    crew.add(["slow", "quick", "slower"])
    await waiting.wait_for(lambda: len(work.late) == 2)
    assert (sorted(work.late), work.done) == (["slow", "slower"], ["quick"])
    crew.add(["next"])
    await waiting.wait_for(lambda: work.done == ["quick", "next"])
    await crew.stop()


async def test_a_piece_that_breaks_takes_no_other_with_it(work: Work, crew: Crew[str]) -> None:
    work.broken = {"a", "c"}
    crew.add(["a", "b", "c", "d"])
    await waiting.wait_for(lambda: len(work.done) == 2)
    assert (work.began, work.done) == (["a", "b", "c", "d"], ["b", "d"])


async def test_a_crew_that_was_stopped_forgets_what_waited_and_can_begin_again(
    work: Work, crew: Crew[str]
) -> None:
    work.gates = {"held": asyncio.Event()}
    crew.add(["held"])
    await waiting.wait_for(lambda: work.began == ["held"])
    crew.add(["never"])
    await crew.stop()
    crew.add(["again"])
    await waiting.wait_for(lambda: work.done == ["again"])
    assert work.began == ["held", "again"]


async def test_so_many_at_most_are_under_way_and_the_others_come_after_them(work: Work) -> None:
    work.gates = {f"w{n}": asyncio.Event() for n in range(5)}
    crew = Crew(work.do, work.cut, MINUTE, 3)
    crew.add([*work.gates, "quick"])
    await waiting.wait_for(lambda: len(work.began) == 3)
    crew.add(["later"])
    work.gates["w1"].set()
    await waiting.wait_for(lambda: work.began == ["w0", "w1", "w2", "w3"])
    assert work.done == ["w1"]
    for gate in work.gates.values():
        gate.set()
    await waiting.wait_for(lambda: len(work.done) == 7)
    assert work.began == [*work.gates, "quick", "later"]
    await crew.stop()
