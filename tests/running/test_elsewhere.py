"""A server that is not the account's own fails, one that a file was to be fetched from: the account is well."""

import pytest

from daemon.contract import errors
from daemon.model import times
from daemon.model.reactions import Retry
from daemon.model.runs import RunStatus
from tests.running.world import World, reaction, step


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_only_the_accounts_own_failures_open_its_circuit(world: World, elsewhere: bool) -> None:
    busy = errors.TemporaryError("503: busy", elsewhere=elsewhere)
    world.shop.script["shop.put"] = [busy] * 20
    world.react(reaction("stock", step("put", value="a"), retry=Retry(6, times.SECOND)))
    run = await world.react_to()
    for _ in range(8):
        await world.later(times.MINUTE)
    run = await world.run(run.id)
    assert world.circuits.known("shop").is_down is not elsewhere
    assert (run.status is RunStatus.DEAD) is elsewhere
    assert ("pointsman.service.down" in [event.type for event in await world.events()]) is not elsewhere
