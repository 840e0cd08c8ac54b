"""What answers 200 and is not the service: no account there is called good."""

import pytest

from daemon import connectors
from daemon.contract import errors, http
from tests.connectors import stub

CATALOG = connectors.discover()
KINDS = sorted(kind for kind, one in CATALOG.connectors.items() if one.ping is not None)
CREDENTIALS = ("token", "api_key")


@pytest.mark.parametrize(
    "body", [{"hello": "world"}, "ok", 1, None], ids=["object", "text", "number", "nothing"]
)
@pytest.mark.parametrize("kind", KINDS)
async def test_another_program_under_the_base_url_is_not_taken_for_the_service(kind, body):
    connector = CATALOG.connectors[kind]
    assert connector.settings is not None
    assert connector.client is not None
    assert connector.ping is not None
    fields = connector.settings.model_fields
    given = {"username": "ada", "password": "secret"} if "password" in fields else {"username": "ada"}
    given |= {} if "password" in fields else {name: "a-key" for name in CREDENTIALS if name in fields}
    given = {name: value for name, value in given.items() if name in fields}
    async with stub.serving() as stranger:
        stranger.answer(body)
        settings = connector.settings.model_validate({"base_url": f"{stranger.url}/v9", **given})
        way = http.Http(settings.base_url)
        with pytest.raises(errors.PermanentError, match="Is base_url right") as caught:
            await connector.ping(connector.client(settings, way))
        await way.close()
    assert caught.value.status == 200
