"""The client against the recorded answers of three real servers, and its settings."""

import pytest
from pydantic import SecretStr, ValidationError

from daemon.connectors.tonalytica import client, connector
from daemon.contract import errors
from tests.connectors import stub
from tests.connectors.tonalytica import replay


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_ping_tells_the_version_of_a_good_key(version):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("auth/session-user-key-header")
        found = await client.ping(account)
    assert found.authorized
    assert found.version == version
    assert found.detail == "Admin User"


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_ping_with_a_wrong_key_is_not_authorized(version):
    async with (
        replay.replaying(version) as server,
        replay.speaking(server.base_url, replay.WRONG_KEY) as account,
    ):
        server.lay("auth/session-wrong-key")
        found = await client.ping(account)
    assert not found.authorized
    assert replay.WRONG_KEY not in found.detail


@pytest.mark.parametrize("version", replay.VERSIONS)
async def test_a_wrong_key_is_a_404_that_parks(version):
    async with (
        replay.replaying(version) as server,
        replay.speaking(server.base_url, replay.WRONG_KEY) as account,
    ):
        server.lay("auth/queries-wrong-key-header", "jobs/get-unknown-wrong-key")
        with pytest.raises(errors.TemporaryError) as listing:
            await account.call("GET", "/queries")
        with pytest.raises(errors.TemporaryError) as looking:
            await account.get_job("00000000-0000-4000-8000-000000000000", None)
    assert listing.value.unauthorized
    assert looking.value.unauthorized


async def test_any_other_404_is_missing():
    async with replay.replaying("10.1.0") as server, replay.speaking(server.base_url) as account:
        server.lay("queries/get-unknown")
        with pytest.raises(errors.PermanentError) as refused:
            await account.get_query(999999)
    assert refused.value.missing
    assert "not found on the server" in refused.value.text


@pytest.mark.parametrize("path, name", [("/api/nonesuch", "paths/unknown-api-path")])
async def test_a_page_under_200_asks_about_base_url(path, name):
    async with replay.replaying("10.1.0") as server, replay.speaking(server.base_url) as account:
        server.lay(name)
        with pytest.raises(errors.PermanentError, match="base_url"):
            await account.call("GET", path)


async def test_a_wrong_slug_asks_about_base_url():
    async with stub.serving() as server, replay.speaking(f"{server.url}/acme/") as account:
        page = replay.case("10.1.0", "paths/default-org-slug")
        server.answer(page["body"].encode(), page["status"], page["type"])
        with pytest.raises(errors.PermanentError, match="base_url"):
            await account.call("GET", "/queries")
    assert server.asked[0].path == "/acme/api/queries"


@pytest.mark.parametrize(
    "given, sent",
    [
        ("/queries", "/api/queries"),
        ("/api/queries", "/api/queries"),
        ("/queries/", "/api/queries"),
        ("/apis/x", "/api/apis/x"),
        ("/queries/?q=a/", "/api/queries?q=a/"),
    ],
)
def test_paths_get_their_api_and_lose_their_last_slash(given, sent):
    assert client.api_path(given) == sent


@pytest.mark.parametrize(
    "case, status, words",
    [
        ("source/run-while-paused", 400, "paused"),
        ("params/none", 400, "Missing parameter value for: "),
        ("source/no-access-run", 403, "permission to run queries"),
        ("paths/wrong-method", 405, "not allowed"),
    ],
)
async def test_refusals_are_final_and_say_why(case, status, words):
    found = replay.case("10.1.0", case)
    async with (
        replay.replaying("10.1.0") as server,
        replay.speaking(server.base_url, found["key"]) as account,
    ):
        server.lay(case)
        with pytest.raises(errors.PermanentError, match=words) as refused:
            await account.call(found["method"], found["path"], json=found["send"])
    assert refused.value.status == status


@pytest.mark.parametrize(
    "version, failure", [("9.0.0-beta", errors.TemporaryError), ("26.08.0-dev", errors.PermanentError)]
)
async def test_a_deleted_source_is_a_500_or_a_final_401(version, failure):
    async with replay.replaying(version) as server, replay.speaking(server.base_url) as account:
        server.lay("source/deleted-run")
        with pytest.raises(failure):
            await account.execute(17, {"max_age": 0})


async def test_a_query_key_is_checked_by_its_own_query():
    async with (
        replay.replaying("10.1.0") as server,
        replay.speaking(server.base_url, replay.QUERY_KEY, query_id=2) as account,
    ):
        server.lay("query-key/get-query")
        found = await client.ping(account)
    assert found.authorized
    assert found.detail == "Sales by city (edited)"


async def test_what_a_query_key_does_not_open_is_final():
    async with (
        replay.replaying("10.1.0") as server,
        replay.speaking(server.base_url, replay.QUERY_KEY, query_id=2) as account,
    ):
        server.lay("query-key/list-queries")
        with pytest.raises(errors.PermanentError, match="key of query 2"):
            await account.call("GET", "/queries")


async def test_pages_are_followed_and_a_shrunken_list_ends():
    async with stub.serving() as server, replay.speaking(server.url) as account:
        first = [{"id": number} for number in range(250)]
        server.answer({"count": 600, "page": 1, "page_size": 250, "results": first})
        server.answer({"count": 600, "page": 2, "page_size": 250, "results": [{"id": 249}, {"id": 250}]})
        server.answer({"message": "Page is out of range."}, status=400)
        found = await account.list_pages("/queries", {"tags": ["a", "b"]}, 1000)
    assert [one["id"] for one in found.results] == list(range(251))
    assert [one.path.split("?")[1].split("page=")[1] for one in server.asked] == [
        "1&page_size=250",
        "2&page_size=250",
        "3&page_size=250",
    ]
    assert "tags=a&tags=b" in server.asked[0].path


@pytest.mark.parametrize(
    "base_url",
    ["ftp://host", "host", "https://host?x=1", "https://host/#x", "https://a:b@host", "https://h/api/"],
)
def test_nonsense_in_base_url_is_refused(base_url):
    with pytest.raises(ValidationError, match="base_url"):
        client.Settings(base_url=base_url, api_key=SecretStr("k" * 40))


def test_a_refused_key_is_not_shown():
    with pytest.raises(ValidationError) as refused:
        client.Settings(api_key=SecretStr("secret key\n"))
    assert "secret" not in str(refused.value)


def test_settings_have_the_documented_host_and_hide_the_key():
    settings = client.Settings(api_key=SecretStr("k" * 40))
    account = client.make_client(settings, None)  # type: ignore[arg-type] # never sent with
    assert settings.base_url == "https://tonalytica.redoubt.online"
    assert "kkk" not in repr(settings) + repr(account)


def test_every_example_validates():
    for event in connector.events:
        assert event.model_validate(event.example).model_fields_set == set(event.example)
