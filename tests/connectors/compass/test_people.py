"""Accounts, users, passwords, permissions and tokens: what each action does, and that no secret comes out."""

import pytest
from pydantic import ValidationError

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import tokens
from daemon.contract import errors, http
from daemon.sandbox import compass as simulated
from daemon.sandbox import faults
from tests.connectors import stub
from tests.connectors.compass.doubts import ACTIONS, AGAIN, PROJECT, act, do

ADA = simulated.USERNAME
BOB = "bob+x@example.com"
ACCOUNT = "acct0001"


async def make_bob(compass, **given):
    return await do(compass, "create_user", name="Bob", email=BOB, **given)


async def test_accounts_are_made_read_changed_and_deleted(sandbox, compass):
    done = await do(compass, "create_account", name="Second")
    assert done.made == [("account", done.result.id)]
    assert (await act(compass, "update_account", account_id=done.result.id, name="Zweite")).name == "Zweite"
    assert (await act(compass, "get_account", account_id=done.result.id)).name == "Zweite"
    listed = await act(compass, "list_accounts")
    assert [one.name for one in listed.accounts] == ["Sandbox", "Zweite"]
    await act(compass, "delete_account", account_id=done.result.id)
    assert list(sandbox.compass.accounts) == [ACCOUNT]


async def test_users_are_made_read_changed_and_deleted(sandbox, compass):
    done = await make_bob(compass, default_account=ACCOUNT)
    assert done.made == [("user", BOB)]
    assert (done.result.default_account, done.result.admin) == (ACCOUNT, False)
    changed = await act(compass, "update_user", email=BOB, name="Robert", default_account=None)
    assert (changed.name, changed.default_account) == ("Robert", None)
    await act(compass, "create_permission", user=BOB, account=ACCOUNT, level="read")
    listed = await act(compass, "list_users")
    assert [(one.email, [p.level for p in one.permissions]) for one in listed.users] == [
        (ADA, []),
        (BOB, ["read"]),
    ]
    assert (await act(compass, "get_user", email=BOB)).name == "Robert"
    await act(compass, "delete_user", email=BOB)
    assert list(sandbox.compass.users) == [ADA]


async def test_a_lost_change_of_address_is_repeated_at_the_new_one(sandbox, compass):
    await make_bob(compass)
    given = {"email": BOB, "new_email": "rob@example.com", "name": "Rob"}
    sandbox.faults.add(faults.Fault("compass", "drop_after", method="PUT"))
    with pytest.raises(errors.TemporaryError):
        await act(compass, "update_user", **given)
    again = await act(compass, "update_user", AGAIN, **given)
    assert (again.email, again.name) == ("rob@example.com", "Rob")
    assert set(sandbox.compass.users) == {ADA, "rob@example.com"}
    with pytest.raises(errors.PermanentError, match="Not found"):
        await act(compass, "update_user", **given)


async def test_permissions_are_given_listed_and_taken(sandbox, compass):
    await make_bob(compass)
    done = await do(compass, "create_permission", user=BOB, account=ACCOUNT, level="readwrite")
    assert done.made == [("permission", done.result.id)]
    assert (await act(compass, "get_permission", permission_id=done.result.id)).level == "readwrite"
    assert (await act(compass, "list_permissions", user=BOB, level="readwrite")).count == 1
    assert (await act(compass, "list_permissions", level="manage")).permissions == []
    await act(compass, "delete_permission", permission_id=done.result.id)
    assert sandbox.compass.permissions == {}


async def test_ones_own_password_is_changed_and_used_from_then_on(sandbox, compass):
    old = sandbox.credentials["compass"]["password"]
    changed = await act(compass, "change_password", email=ADA, password="a new one", old_password=old)
    assert changed.user.email == ADA
    assert "token" not in changed.model_dump()
    assert sandbox.compass.passwords[ADA] == "a new one"
    sandbox.compass.tokens.clear()
    assert (await act(compass, "get_project", project_id=PROJECT)).id == PROJECT


async def test_a_lost_change_of_password_is_found_by_a_login(doubtful, sandbox, compass):
    old = sandbox.credentials["compass"]["password"]
    step = doubtful("change_password", email=ADA, password="a new one", old_password=old)
    await step.lose("drop_after", method="PUT")
    found = await step.look()
    assert found.result.user.email == ADA
    assert (await act(compass, "get_project", project_id=PROJECT)).id == PROJECT
    assert step.effects() == ["password.changed"]


async def test_a_password_that_was_not_changed_is_changed_then(doubtful, sandbox):
    old = sandbox.credentials["compass"]["password"]
    step = doubtful("change_password", email=ADA, password="a new one", old_password=old)
    await step.lose("drop_before", method="PUT")
    assert await step.look() is None
    await step.repeat()
    assert sandbox.compass.passwords[ADA] == "a new one"


async def test_a_password_is_reset_and_nobody_is_told(sandbox, compass):
    await make_bob(compass)
    reset = await act(compass, "reset_password", email=BOB)
    assert reset.model_dump() == {"email": BOB, "changed": False}
    assert sandbox.compass.users[BOB]["must_reset_password"]


async def test_a_user_whose_password_was_reset_is_refused_and_nothing_is_dead(sandbox):
    sandbox.compass.users[ADA]["must_reset_password"] = True
    credentials = {"base_url": sandbox.urls["compass"], **sandbox.credentials["compass"]}
    settings = vendor.Settings.model_validate(credentials)
    way = http.Http(settings.base_url)
    client = vendor.make_client(settings, way)
    with pytest.raises(errors.TemporaryError, match="change it before anything else") as refused:
        await act(client, "get_project", project_id=PROJECT)
    assert refused.value.unauthorized
    old = credentials["password"]
    await act(client, "change_password", email=ADA, password="a new one", old_password=old)
    assert (await act(client, "get_project", project_id=PROJECT)).id == PROJECT
    await way.close()


async def test_a_password_is_reset_to_a_known_one(sandbox, compass):
    await make_bob(compass)
    reset = await act(compass, "reset_password", email=BOB, new_password="known to bob")
    assert reset.changed
    assert sandbox.compass.passwords[BOB] == "known to bob"
    assert not sandbox.compass.users[BOB]["must_reset_password"]


@pytest.mark.parametrize(
    "method, kind", [("POST", "drop_after"), ("PUT", "drop_before"), ("PUT", "drop_after")]
)
async def test_a_reset_that_was_cut_is_finished(doubtful, sandbox, compass, method, kind):
    await make_bob(compass)
    step = doubtful("reset_password", email=BOB, new_password="known to bob")
    await step.lose(kind, method=method)
    found = await step.look()
    assert (found is not None) == ((method, kind) == ("PUT", "drop_after"))
    if found is None:
        await step.repeat()
    assert sandbox.compass.passwords[BOB] == "known to bob"
    assert not sandbox.compass.users[BOB]["must_reset_password"]


def test_a_reset_is_unsafe_unless_the_new_password_is_known():
    action = ACTIONS["reset_password"]
    assert action.doubt_for(action.parameters.model_validate({"email": BOB})).value == "unsafe"
    known = {"email": BOB, "new_password": "known"}
    assert action.doubt_for(action.parameters.model_validate(known)).value == "probed"


async def test_tokens_are_told_without_themselves(sandbox, compass):
    await make_bob(compass)
    theirs = sandbox.compass.login(BOB)["token"]
    listed = await act(compass, "list_tokens")
    assert [one.user for one in listed.tokens] == [ADA, BOB]
    mine = next(iter(sandbox.compass.tokens))
    one = await act(compass, "get_token", token=mine)
    assert (one.user, one.token) == (ADA, "[blanked]")
    assert one == await act(compass, "get_token", user=ADA)
    assert [text for text in (mine, theirs) if text in listed.model_dump_json() + one.model_dump_json()] == []


async def test_a_token_is_deleted_and_the_daemon_logs_in_again(sandbox, compass):
    await act(compass, "get_project", project_id=PROJECT)
    mine = next(iter(sandbox.compass.tokens))
    await act(compass, "delete_token", user=ADA)
    assert mine not in sandbox.compass.tokens
    assert (await act(compass, "get_project", project_id=PROJECT)).id == PROJECT
    assert (await act(compass, "delete_token", user=BOB)).existed is False


@pytest.mark.parametrize("given", [{}, {"token": "t", "user": "u"}])
def test_a_token_is_named_in_one_way(given):
    with pytest.raises(ValidationError, match="token or user"):
        tokens.WhichToken.model_validate(given)


@pytest.mark.parametrize("name", ["get_token", "delete_token"])
async def test_an_error_does_not_quote_a_token(compass, free_port, name):
    compass._http.base_url, compass._token = f"http://127.0.0.1:{free_port}", "t" * 40
    with pytest.raises(errors.TemporaryError) as lost:
        await act(compass, name, token="tell/nobody")
    assert "nobody" not in lost.value.text + str(lost.value)
    await compass._http.close()


async def test_an_error_does_not_quote_a_password():
    async with stub.serving() as server:
        server.answer({"password": ["hush-hush is too short."]}, status=400)
        settings = vendor.Settings.model_validate({"base_url": server.url, "token": "t" * 40})
        way = http.Http(settings.base_url)
        client = vendor.make_client(settings, way)
        with pytest.raises(errors.PermanentError, match=r"\[blanked\] is too short") as refused:
            await act(client, "change_password", email=ADA, password="hush-hush", old_password="old-old-old")
        await way.close()
    assert "hush-hush" not in refused.value.text
