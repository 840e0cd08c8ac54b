"""Compass through a whole daemon: what a watch tells of what runs did, and that a lost answer doubles nothing."""

import pytest

from daemon.sandbox import faults
from tests import waiting
from tests.journeys.daemons import PATIENCE, Daemon, reaction, step

WATCHES = "".join(
    f"""
[[watch]]
name = "{resource}"
service = "compass"
resource = "{resource}"
project_id = "ab12cd34"
every = "300ms"
"""
    for resource in ("topics", "messages", "stats")
)
POST = reaction(
    "post",
    "order.came",
    step(
        "compass.create_topic",
        'project_id = "ab12cd34", title = "Prices", info = { terms = { prices = 1.0 } }',
    ),
    step(
        "compass.post_messages",
        'project_id = "ab12cd34", messages = [{ text = "prices rise" }, { text = "b" }]',
    ),
)
SEEN = reaction(
    "seen", "compass.message.added", step("log.write", 'message = "{{ event.data.message.text }}"')
)


IN = 'project_id = "ab12cd34"'
PEOPLE = {
    "account.created": step("compass.create_account", 'name = "Second"'),
    "user.created": step("compass.create_user", 'name = "Bob", email = "bob@example.com"'),
    "permission.created": step(
        "compass.create_permission", 'user = "bob@example.com", account = "acct0001", level = "read"'
    ),
    "project.created": step(
        "compass.create_project", 'name = "Second", account = "acct0001", language = "en"'
    ),
}
CONTENTS = {
    "documents.added": step(
        "compass.add_documents", f'{IN}, documents = [{{ text = "a", label = "x", dataset = "d" }}]'
    ),
    "classifier.created": step("compass.create_classifier", f'{IN}, name = "drinks", type = "topic_based"'),
    "topic.created": step(
        "compass.create_classifier_topic", f'{IN}, classifier_id = "1", name = "tea", info = "tea OR mate"'
    ),
    "messages.added": step("compass.post_messages", f'{IN}, messages = [{{ text = "b" }}]'),
}


def looked_at(daemon: Daemon) -> bool:
    """Whether every watch has made its first poll, which tells nothing."""
    return len(daemon.rows("SELECT name FROM watches WHERE polled_at IS NOT NULL")) == 3


async def test_what_a_run_made_is_there_once_and_told_once(daemon: Daemon) -> None:
    daemon.sandbox.faults.add(faults.Fault("compass", "drop_after", method="POST", path="*/messages/"))
    daemon.configure(WATCHES, POST, SEEN)
    await daemon.start()
    await waiting.wait_for(lambda: looked_at(daemon), PATIENCE, "all watches have looked")
    await daemon.order(n=1)
    await daemon.until_runs("post", "succeeded")
    told = await daemon.until_events("compass.message.added", 2)
    assert [event["subject"] for event in told] == ["1", "2"]
    (topic,) = await daemon.until_events("compass.topic.added")
    assert topic["data"]["topic"]["title"] == "Prices"
    (stats, *_) = await daemon.until_events("compass.stats.sampled")
    assert stats["subject"] == "ab12cd34"
    assert len(await daemon.until_runs("seen", "succeeded", "succeeded")) == 2
    assert len(daemon.effects("compass", "messages.added")) == 1
    assert len(daemon.effects("compass", "topic.created")) == 1


@pytest.mark.parametrize("steps", [PEOPLE, CONTENTS], ids=["people", "contents"])
async def test_every_creation_whose_answer_is_lost_is_adopted(daemon: Daemon, steps: dict[str, str]) -> None:
    for noun in "accounts users permissions projects documents classifiers topics messages".split():
        fault = faults.Fault("compass", "drop_after", method="POST", path=f"*/{noun}/")
        daemon.sandbox.faults.add(fault)
    daemon.configure(
        reaction("create", "order.came", *steps.values(), retry='{ first = "20ms", max = "100ms" }')
    )
    await daemon.start()
    await daemon.order(n=1)
    await daemon.until_runs("create", "succeeded")
    assert len(daemon.sandbox.faults.read()) == 4  # those of the other steps
    assert [effect for effect, _ in daemon.sandbox.ledger.effects("compass")] == list(steps)


async def test_no_token_and_no_password_is_written_down(daemon: Daemon) -> None:
    user = "bob@example.com"
    steps = (
        step("compass.create_user", f'name = "Bob", email = "{user}"'),
        step(
            "compass.reset_password", f'email = "{user}", new_password = {{ file = "{daemon.folder}/bob" }}'
        ),
        step("compass.list_tokens"),
        step("compass.get_token", 'user = "ada@example.com"'),
        step("compass.request", 'path = "/tokens/"', "raw"),
        step("compass.request", f'method = "POST", path = "/users/{user}/password/reset/"'),
    )
    (daemon.folder / "bob").write_text("the new one of bob")
    daemon.configure(reaction("look", "order.came", *steps))
    await daemon.start()
    await daemon.order(n=1)
    (run,) = await daemon.until_runs("look", "succeeded")
    compass = daemon.sandbox.compass
    secrets = [*compass.tokens, *compass.passwords.values(), "the new one of bob"]
    ours = [path for path in daemon.folder.iterdir() if path.name not in ("bob", "config.toml")]
    written = b"".join(path.read_bytes() for path in ours)
    assert [secret for secret in secrets if secret.encode() in written] == []
    assert len(secrets) >= 4
    assert "[blanked]" in str(daemon.steps(run["id"]))
