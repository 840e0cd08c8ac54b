"""Secrets that an operator wrote where no parameter is declared secret: the definition, which is stored, lacks them."""

from pathlib import Path

from daemon.app import building
from daemon.model import reactions
from daemon.running import parameters
from tests.config import surroundings

TEXT = """
[http]
allow_hosts = ["x.example"]
[[reaction]]
name = "r"
on = "a.b"
[[reaction.do]]
id = "call"
action = "http.request"

[reaction.do.with]
method = "POST"
url = "https://x.example/a?token=hunter2-hunter2&n={{ event.id }}"
query = { api_key = "swordfish-1", page = "2", token = "{{ event.data.token }}" }
json = { list = [{ password = "opensesame", note = "no secret", link = "{{ event.data.link }}?token=" }] }
"""
SECRETS = ("hunter2-hunter2", "swordfish-1", "opensesame")


def test_the_definition_of_a_reaction_holds_none_of_them(tmp_path: Path) -> None:
    settled = surroundings.good(tmp_path, TEXT)
    (reaction,) = settled.reactions
    stored = str(reactions.to_json(reaction))
    assert [secret for secret in SECRETS if secret in stored] == []
    given = reaction.do[0].parameters
    assert given["url"] == {"written secret": "r/call/url"}
    assert given["query"] == {
        "api_key": {"written secret": "r/call/query/api_key"},
        "page": "2",
        "token": "{{ event.data.token }}",
    }
    (one,) = given["json"]["list"]
    assert one["password"] == {"written secret": "r/call/json/list/0/password"}
    assert (one["note"], one["link"]) == ("no secret", "{{ event.data.link }}?token=")
    assert {"swordfish-1", "opensesame"} <= settled.known_secrets


def test_a_call_has_all_of_them_in_place(tmp_path: Path) -> None:
    settled = surroundings.good(tmp_path, TEXT)
    services, _ = building.build_services(settled, surroundings.catalog())
    whole = parameters.fill(settled.reactions[0].do[0].parameters, services)
    assert whole["url"] == "https://x.example/a?token=hunter2-hunter2&n={{ event.id }}"
    assert whole["query"]["api_key"] == "swordfish-1"
    assert whole["json"]["list"][0]["password"] == "opensesame"


def test_another_secret_is_the_same_reaction(tmp_path: Path) -> None:
    (before,) = surroundings.good(tmp_path, TEXT).reactions
    (after,) = surroundings.good(tmp_path, TEXT.replace("swordfish-1", "swordfish-2")).reactions
    assert before.digest == after.digest
