"""Reloading and stopping a daemon at work."""

import signal

from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

READ = step("populr.list_templates", id="all")


def noting(text: str) -> str:
    """A reaction that reads something at a service, then keeps *text*."""
    return reaction(
        "note", "order.came", READ, step("state.set", f'key = "{{{{ event.data.n }}}}", value = "{text}"')
    )


def notes(daemon: Daemon) -> dict[str, str]:
    """What has been kept."""
    return {row["key"]: row["value"].strip('"') for row in daemon.rows("SELECT key, value FROM state")}


async def at_the_service(daemon: Daemon, kind: str = "delay", seconds: float = 2.0) -> int:
    """Make the next call take long; the fault's number."""
    return daemon.sandbox.faults.add(faults.Fault("populr", kind, seconds=seconds))


async def under_way(daemon: Daemon) -> None:
    """Until a call is at the service."""
    await waiting.wait_for(lambda: not daemon.sandbox.faults.read(), PATIENCE, "a call under way")


async def reloaded(daemon: Daemon, event: str, count: int = 1) -> None:
    """SIGHUP, and wait for what the log says of it."""
    daemon.signal(signal.SIGHUP)
    await waiting.wait_for(lambda: len(daemon.said(event)) >= count, PATIENCE, event)


async def test_a_reload_takes_a_good_file_and_leaves_running_runs_theirs(daemon: Daemon) -> None:
    daemon.configure(noting("old"))
    await daemon.start()
    await at_the_service(daemon)
    await daemon.order(n=1)
    await under_way(daemon)
    daemon.configure(noting("new"))
    await reloaded(daemon, "daemon.reloaded")
    await daemon.order(n=2)
    await daemon.until_runs("note", "succeeded", "succeeded")
    assert notes(daemon) == {"1": "old", "2": "new"}
    assert len({run["digest"] for run in daemon.runs("note")}) == 2


async def test_a_run_keeps_its_version_over_a_crash_too(daemon: Daemon) -> None:
    daemon.configure(noting("old"))
    await daemon.start()
    await at_the_service(daemon, "hang", 30)
    await daemon.order(n=1)
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM steps WHERE status = 'running'"), PATIENCE)
    await daemon.kill()
    daemon.sandbox.faults.remove()
    daemon.configure(noting("new"))
    await daemon.start()
    await daemon.until_runs("note", "succeeded")
    assert notes(daemon) == {"1": "old"}


async def test_a_bad_file_changes_nothing_and_the_log_says_why(daemon: Daemon) -> None:
    daemon.configure(noting("old"))
    await daemon.start()
    good = daemon.config.read_text()
    daemon.config.write_text(good.replace("populr.list_templates", "populr.list_tempaltes"))
    await reloaded(daemon, "reload.refused")
    (refused,) = daemon.said("reload.refused")
    assert f"{daemon.config}:" in refused["problem"]
    assert "populr.list_tempaltes" in refused["problem"]
    daemon.config.write_text("this is not TOML")
    await reloaded(daemon, "reload.refused", 2)
    await daemon.order(n=1)
    await daemon.until_runs("note", "succeeded")
    assert notes(daemon) == {"1": "old"}
    daemon.config.write_text(good.replace('"old"', '"new"'))
    await reloaded(daemon, "daemon.reloaded")
    await daemon.order(n=2)
    await daemon.until_runs("note", "succeeded", "succeeded")
    assert notes(daemon) == {"1": "old", "2": "new"}


async def test_what_only_a_restart_takes_is_told_until_the_file_says_what_runs(daemon: Daemon) -> None:
    daemon.configure(noting("old"))
    await daemon.start()
    good = daemon.config.read_text()
    daemon.config.write_text(good.replace(f'"127.0.0.1:{daemon.admin}"', '""').replace('"2s"', '"3s"'))
    for count in (1, 2):
        await reloaded(daemon, "daemon.reloaded", count)
        told = [line["key"] for line in daemon.said("reload.needs_restart")]
        assert told == ["[http] admin_listen", "[daemon] lease"] * count
    daemon.config.write_text(good)
    await reloaded(daemon, "daemon.reloaded", 3)
    assert len(daemon.said("reload.needs_restart")) == 4


async def test_a_reload_takes_rotated_secrets_everywhere(daemon: Daemon) -> None:
    message = "the {{ event.data.word }}-token-of-operators"
    daemon.configure(reaction("tell", "order.came", step("log.write", f'message = "{message}"')))
    await daemon.start()
    kept = daemon.folder / "admin-token"
    keyed = f'[http]\nadmin_token = {{ file = "{kept}" }}'
    daemon.config.write_text(daemon.config.read_text().replace("[http]", keyed))
    for count, word in enumerate(("first", "second"), 1):
        kept.write_text(f"the {word}-token-of-operators")
        await reloaded(daemon, "daemon.reloaded", count)
        for given in ("first", "second"):
            headers = {"Authorization": f"Bearer the {given}-token-of-operators"}
            asked = daemon.session.get(f"http://127.0.0.1:{daemon.admin}/healthz", headers=headers)
            async with asked as answer:
                assert answer.status == (200 if given == word else 401)
        await daemon.order(word=word)
        await daemon.until_runs("tell", *["succeeded"] * count)
    assert [line["message"] for line in daemon.said("message.written")] == ["[blanked]"] * 2


async def test_stopping_lets_a_call_under_way_finish(daemon: Daemon) -> None:
    daemon.configure(noting("done"))
    await daemon.start()
    await at_the_service(daemon, seconds=1.0)
    await daemon.order(n=1)
    await under_way(daemon)
    assert await daemon.stop() == 0
    (run,) = daemon.runs("note")
    assert (run["status"], notes(daemon)) == ("succeeded", {"1": "done"})
    assert daemon.said("runs.handed_back") == []


async def test_stopping_hands_back_what_takes_too_long(daemon: Daemon) -> None:
    daemon.configure(noting("done"), drain="1s")
    await daemon.start()
    await at_the_service(daemon, "hang", 60)
    await daemon.order(n=1)
    await waiting.wait_for(lambda: daemon.rows("SELECT 1 FROM steps WHERE status = 'running'"), PATIENCE)
    assert await daemon.stop() == 0
    (run,) = daemon.runs("note")
    assert (run["status"], run["node"], run["lease_until"]) == ("pending", None, None)
    daemon.sandbox.faults.remove()
    await daemon.start()
    await daemon.until_runs("note", "succeeded")


async def test_a_stopped_daemon_starts_again_where_it_was(daemon: Daemon) -> None:
    daemon.configure(noting("done"))
    await daemon.start()
    ids = [await daemon.order(n=n) for n in range(5)]
    assert await daemon.stop() == 0
    await daemon.start()
    await daemon.until_runs("note", *["succeeded"] * 5)
    again = await daemon.post("/hooks/orders", {"n": 3}, Authorization="Bearer the-token-of-the-sender")
    assert (again.status, again.body) == (200, {"id": ids[3], "duplicate": True})
    assert len(daemon.runs()) == 5
