"""Whatever is sent, a simulated service answers in its own words and never stumbles."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sandbox import compass, exchange, plotly, popily, populr, tonalytica
from tests import clocks
from tests.sandbox import calling

JSON = "application/json"
WORDS = (
    "pop template_id name title populate_tags city url columns data cols rows figure path filename parent text "
    "label type status info terms topics clause timestamp query data_source_id options parameters max_age tags "
    "version username email groups_member account language value level fid comment notify_webhook domain"
).split()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 2_000_000_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [calling.TEMPLATE, "voting", "topic_based", "active", "en", "http://a.example/", "[1]", ""]
    )
    | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(WORDS), below, max_size=5),
    max_leaves=12,
)
BODIES = VALUES | st.dictionaries(st.sampled_from(WORDS), VALUES, min_size=2, max_size=8)
QUERIES = st.dictionaries(
    st.sampled_from(
        "page page_size count offset q order uid source filters single full interval earliest".split()
    ),
    st.sampled_from(["1", "0", "-1", "x", "", "²", "1764547200", "a!eq!b", "true"]),
    max_size=3,
)
PATHS = {
    "populr": ["/pops", "/pops/1", "/templates", "/images", "/embeds", "/domains"],
    "popily": ["/sources/", "/sources/1/", "/users/", "/insights/", "/insights/1/"],
    "compass": [
        "/projects/",
        *(
            f"/projects/ab12cd34/p/{noun}/"
            for noun in "documents classifiers classify messages topics stats usage topics_history".split()
        ),
        "/projects/ab12cd34/p/config/number_of_clusters/",
        "/accounts/",
        "/permissions/",
    ],
    "tonalytica": [
        *(
            "/api/queries",
            "/api/queries/17",
            "/api/queries/²",
            "/api/queries/17/results",
            "/api/query_results",
        ),
        *("/api/jobs/1", "/api/dashboards", "/api/dashboards/1", "/api/widgets", "/api/visualizations"),
    ],
    "plotly": [
        "/grids",
        "/plots",
        "/folders",
        "/images",
        "/comments",
        "/search",
        "/files/lookup",
        "/files/ada:0",
    ],
}
KINDS = (populr.Populr, popily.Popily, compass.Compass, tonalytica.Tonalytica, plotly.Plotly)


def good_headers(service: Any) -> dict[str, str]:
    """Credentials that *service* takes, without any HTTP."""
    if service.kind == "compass":
        return {"Authorization": f"Token {service.login(compass.USERNAME)['token']}"}
    if service.kind == "popily":
        return {"Authorization": f"Token {service.token}"}
    if service.kind == "tonalytica":
        return {"Authorization": f"Key {service.api_key}"}
    user = ("ada", service.api_key) if service.kind == "plotly" else (service.api_key, "")
    return {"Authorization": calling.basic(*user), "Plotly-Client-Platform": "tests"}


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.kind)
@given(data=st.data())
def test_every_request_is_answered_or_refused(make: Any, data: st.DataObject) -> None:
    service = make(clocks.VirtualClock())
    headers = good_headers(service)
    for _ in range(3):
        method = data.draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
        path = data.draw(st.sampled_from(PATHS[service.kind]))
        ask = exchange.Ask(method, path, data.draw(QUERIES), headers, data.draw(BODIES), JSON)
        try:
            reply = service.answer(ask)
        except exchange.Refused as refused:
            reply = refused.reply
        assert 200 <= reply.status < 600
        assert isinstance(reply.body, bytes) or orjson.dumps(reply.body)
    assert orjson.dumps(service.state())
