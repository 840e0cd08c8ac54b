"""``pointsman plan`` and ``pointsman apply``: the config's callbacks beside what stands at the simulated Populr."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from daemon.intake import verifying
from daemon.journal import runs, watches
from daemon.model.runs import RunStatus
from daemon.sandbox import faults, populr_pops
from daemon.sandbox.server import Sandbox
from tests import clocks
from tests.cli.desk import Answer, Desk
from tests.journal import making

SECRET = "a secret that derives tokens"
BASE = "https://hooks.example.com"
TRACER = BASE + verifying.callback_path(SECRET, "populr", "tracer")
COLLABORATION = BASE + verifying.callback_path(SECRET, "populr", "collaboration")
QUERY = "?pop=%{pop-id}&tracer=%{tracer-id}"
TOKENS = (TRACER.rpartition("/")[2], COLLABORATION.rpartition("/")[2])


@dataclass
class Scene:
    """A desk whose account is a sandbox's, with one pop."""

    desk: Desk
    sandbox: Sandbox
    pop_id: str

    async def call(self, *arguments: str) -> Answer:
        """The command, called beside the sandbox; no token is ever printed."""
        answer = await asyncio.to_thread(self.desk.call, *arguments)
        assert not [token for token in TOKENS if token in answer.out + answer.err]
        return answer

    async def states(self) -> tuple[int, dict[str | None, str]]:
        """The exit code of ``plan``, and the states by tracer name."""
        answer = await self.call("plan", "--json")
        return answer.code, {one["name"]: one["state"] for one in answer.document["callbacks"]}

    def configure(self, *callbacks: str) -> None:
        """Write the config with these ``[[callback]]``."""
        key = self.sandbox.credentials["populr"]["api_key"]
        tables = [f'[[callback]]\nservice = "populr"\npop_id = "{self.pop_id}"\n{one}\n' for one in callbacks]
        self.desk.config.write_text(
            f'[http]\npublic_url = "{BASE}/"\nwebhook_secret = "{SECRET}"\n'
            f'[services.populr]\nbase_url = "{self.sandbox.urls["populr"]}"\napi_key = "{key}"\n'
            'rate = "1000/s"\ntimeout = "5s"\n' + "\n".join(tables)
        )
        self.desk.config.chmod(0o600)

    def add(self, name: str, hook: str | None, *, on: bool = True) -> str:
        """A tracer that stands already; its id."""
        id = self.sandbox.populr.new_id()
        self.sandbox.populr.tracers[self.pop_id][id] = {
            "_id": id,
            "name": name,
            "notify_on_open": on,
            "notify_webhook": hook,
            "code": name,
            "created_at": "2026-01-01T00:00:00Z",
            "analytics": {"views": 0, "clicks": 0, "links": {}, "assets": {}},
        }
        return id

    def tracers(self) -> list[dict[str, Any]]:
        """The pop's tracers as they stand."""
        return list(self.sandbox.populr.tracers[self.pop_id].values())

    @property
    def pop(self) -> dict[str, Any]:
        """The pop as it stands."""
        found: dict[str, Any] = self.sandbox.populr.pops[self.pop_id]
        return found

    def remove_journal(self) -> None:
        """Go on without one."""
        (self.desk.folder / "pointsman.db").unlink()

    def files(self) -> list[str]:
        """What lies beside the config."""
        return sorted(path.name for path in self.desk.folder.iterdir())

    def written(self) -> list[str]:
        """What was changed at the sandbox."""
        return [effect for effect, _ in self.sandbox.ledger.effects("populr")]


@pytest.fixture
async def scene(desk: Desk, virtual_clock: clocks.VirtualClock) -> AsyncIterator[Scene]:
    sandbox = Sandbox(virtual_clock)
    await sandbox.start()
    try:
        group = sandbox.populr
        template = next(iter(group.templates.values()))
        pop = populr_pops.new_pop(group, template, {"name": "Offer"})
        group.pops[pop["_id"]], group.tracers[pop["_id"]] = pop, {}
        yield Scene(desk, sandbox, pop["_id"])
    finally:
        await sandbox.stop()


async def test_what_is_missing_is_made_once_and_applying_again_changes_nothing(scene: Scene) -> None:
    scene.configure('tracer = "Twitter"', "collaboration = true")
    assert await scene.states() == (1, {"Twitter": "create", None: "create"})
    assert scene.written() == []
    first = await scene.call("apply")
    assert (first.code, first.out.splitlines()[-1]) == (0, "2 changed")
    (tracer,) = scene.tracers()
    assert (tracer["name"], tracer["notify_on_open"]) == ("Twitter", True)
    assert tracer["notify_webhook"] == TRACER + QUERY
    assert scene.pop["collaboration_webhook"] == COLLABORATION
    assert scene.pop["collaboration_link_enabled"]
    made = scene.written()
    assert await scene.states() == (0, {"Twitter": "ok", None: "ok"})
    second = await scene.call("apply", "--replace")
    assert (second.code, second.out.splitlines()[-1], scene.written()) == (0, "nothing changed", made)


async def test_what_stands_already_is_adopted_and_followed(scene: Scene) -> None:
    id = scene.add("Twitter", TRACER)  # pasted by hand, without what it should end in
    scene.configure('tracer = "Twitter"')
    assert await scene.states() == (0, {"Twitter": "adopt"})
    answer = await scene.call("apply", "--json")
    assert (answer.code, answer.document["changed"]) == (0, 0)
    (row,) = await asyncio.to_thread(scene.desk.write, lambda c: watches.listed(c, 10))
    assert (row.role, row.resource, row.wanted) == ("hint", "tracers", (f"{scene.pop_id}/{id}",))
    assert (row.announce, row.options) == (False, {"pop_id": scene.pop_id})
    assert await scene.states() == (0, {"Twitter": "ok"})
    assert scene.written() == []


@pytest.mark.parametrize(
    ("hook", "on", "said"),
    [
        ("https://other.example/secret-path?k=v", True, "calls other.example"),
        (None, False, "calls nobody"),
        (TRACER + QUERY, False, "is switched off"),
        (TRACER.rpartition("/")[0] + "/an-old-token", True, "an earlier address of ours"),
    ],
)
async def test_a_tracer_that_cannot_be_changed_is_replaced_only_when_asked(
    scene: Scene, hook: str | None, on: bool, said: str
) -> None:
    scene.add("Twitter", hook, on=on)
    scene.configure('tracer = "Twitter"')
    planned = await scene.call("plan")
    assert (planned.code, said in planned.out, "--replace" in planned.out) == (1, True, True)
    assert "secret-path" not in planned.out
    assert "an-old-token" not in planned.out
    refused = await scene.call("apply")
    assert (refused.code, "refused" in refused.out, scene.written()) == (1, True, [])
    replaced = await scene.call("apply", "--replace")
    assert (replaced.code, scene.written()) == (0, ["tracer.created"])
    assert [one["notify_webhook"] for one in scene.tracers()] == [hook, TRACER + QUERY]
    assert await scene.states() == (0, {"Twitter": "ok"})


async def test_collaboration_is_changed_in_place_and_taken_out(scene: Scene) -> None:
    scene.pop["collaboration_webhook"] = "https://other.example/x"
    scene.configure("collaboration = true")
    assert await scene.states() == (1, {None: "drift"})
    assert (await scene.call("apply")).code == 0
    assert scene.pop["collaboration_webhook"] == COLLABORATION
    scene.configure()
    assert await scene.states() == (1, {None: "orphan"})
    assert (await scene.call("apply")).code == 0
    assert scene.pop["collaboration_webhook"] is None
    assert await scene.states() == (0, {})


async def test_a_hook_that_nobody_names_is_an_orphan_unless_a_run_made_it(scene: Scene) -> None:
    stray, made = scene.add("Stray", TRACER + QUERY), scene.add("Made", TRACER + QUERY)
    scene.add("Foreign", "https://other.example/x")
    event = await asyncio.to_thread(scene.desk.tell)
    run = await asyncio.to_thread(scene.desk.make_run, event, RunStatus.SUCCEEDED)
    about = [("tracer", f"{scene.pop_id}/{made}")]
    await asyncio.to_thread(
        scene.desk.write, lambda c: runs.touch(c, "populr", about, run, "say", making.NOW)
    )
    scene.configure()
    answer = await scene.call("plan", "--json")
    (orphan,) = answer.document["callbacks"]
    assert (answer.code, orphan["state"], orphan["id"]) == (1, "orphan", f"{scene.pop_id}/{stray}")
    assert orphan["by_hand"]
    assert (answer.document["changes"], answer.document["by_hand"]) == (0, 1)
    last = (await scene.call("plan")).out.splitlines()[-1]
    assert last == "nothing to change, 1 to be done by hand"
    applied = await scene.call("apply", "--replace")
    assert (applied.code, "refused" in applied.out, scene.written()) == (1, True, [])


async def test_an_answer_that_was_lost_makes_no_second_tracer(scene: Scene) -> None:
    scene.configure('tracer = "Twitter"')
    scene.sandbox.faults.add(faults.Fault("populr", "drop_after", method="POST"))
    answer = await scene.call("apply")
    assert (answer.code, scene.written()) == (0, ["tracer.created"])
    assert await scene.states() == (0, {"Twitter": "ok"})


async def test_whoever_breaks_off_half_way_ends_the_same(scene: Scene) -> None:
    scene.configure('tracer = "One"', 'tracer = "Two"', "collaboration = true")
    scene.sandbox.faults.add(faults.Fault("populr", "status", method="POST", status=500, after=1))
    broken = await scene.call("apply", "--json")
    words = [(one["name"], one["outcome"]) for one in broken.document["callbacks"]]
    assert (broken.code, words) == (1, [("One", "done"), ("Two", "failed"), (None, "done")])
    again = await scene.call("apply")
    assert (again.code, again.out.splitlines()[-1]) == (0, "1 changed")
    assert sorted(one["name"] for one in scene.tracers()) == ["One", "Two"]
    assert (await scene.states())[0] == 0


async def test_a_pop_that_does_not_exist_is_named(scene: Scene) -> None:
    scene.configure('tracer = "Twitter"')
    del scene.sandbox.populr.pops[scene.pop_id]
    answer = await scene.call("plan")
    assert (answer.code, "there is no such pop" in answer.out) == (1, True)
    assert (await scene.call("apply")).code == 1


async def test_without_a_journal_apply_works_and_makes_none(scene: Scene) -> None:
    scene.remove_journal()
    scene.configure('tracer = "Twitter"')
    assert (await scene.call("apply")).code == 0
    assert (await scene.states(), scene.files()) == ((0, {"Twitter": "adopt"}), ["config.toml"])


async def test_an_account_that_cannot_be_asked_is_no_plan(scene: Scene) -> None:
    scene.configure('tracer = "Twitter"')
    scene.sandbox.faults.add(faults.Fault("populr", "status", status=503, times=None))
    answer = await scene.call("plan")
    assert (answer.code, len(answer.complaints)) == (2, 1)
    assert "populr cannot be asked: " in answer.err


async def test_a_config_that_is_wrong_changes_nothing(scene: Scene) -> None:
    scene.configure('tracer = "Twitter"', 'tracer = "Twitter"')
    answer = await scene.call("apply")
    assert (answer.code, scene.written()) == (2, [])
    assert "stands here already" in answer.err
