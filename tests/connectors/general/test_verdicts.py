"""What follows from what was seen on the wire."""

from hypothesis import given
from hypothesis import strategies as st

from daemon.connectors.general.actions import verdicts
from daemon.connectors.general.actions.verdicts import Exchange, Verdict
from daemon.model import times

NOW = times.parse_rfc3339("2026-06-01T12:00:00Z")
EXCHANGES = st.lists(
    st.builds(
        Exchange,
        verdict=st.sampled_from(Verdict),
        text=st.text(),
        retry_after=st.none() | st.integers(0, times.DAY),
        reads=st.booleans(),
    )
)


@given(EXCHANGES)
def test_what_apprise_says_was_taken_was_taken(exchanges: list[Exchange]) -> None:
    assert verdicts.judge(True, exchanges, "JSON").verdict is Verdict.TAKEN


@given(EXCHANGES)
def test_what_may_have_arrived_is_never_tried_again_by_itself(exchanges: list[Exchange]) -> None:
    report = verdicts.judge(False, exchanges, "JSON")
    arrived = any(
        one.verdict is Verdict.LOST or (one.verdict is Verdict.TAKEN and not one.reads) for one in exchanges
    )
    assert (report.verdict is Verdict.LOST) == (arrived or not exchanges)
    assert report.verdict is not Verdict.TAKEN


@given(EXCHANGES)
def test_what_may_go_better_is_not_final(exchanges: list[Exchange]) -> None:
    report = verdicts.judge(False, exchanges, "JSON")
    if report.verdict is Verdict.REFUSED:
        assert all(one.verdict is not Verdict.LATER for one in exchanges)
    assert report.verdict is not Verdict.LATER or report.retry_after in (
        None,
        *(one.retry_after for one in exchanges),
    )


def test_a_login_that_only_reads_is_no_message() -> None:
    read = Exchange(Verdict.TAKEN, "it answered 200", reads=True)
    refused = Exchange(Verdict.REFUSED, "it answered 400")
    assert verdicts.judge(False, [read, refused], "Chat").verdict is Verdict.REFUSED


@given(st.integers(100, 599), st.sampled_from(["", "7", "x", "Mon, 01 Jun 2026 12:00:07 GMT"]))
def test_an_http_status_means_what_it_means(status: int, retry_after: str) -> None:
    found = verdicts.of_http(status, retry_after, False, NOW)
    assert (found.verdict is Verdict.TAKEN) == (200 <= status < 300)
    assert (found.verdict is Verdict.LOST) == (status in (502, 504))
    assert (found.verdict is Verdict.LATER) == (
        status in (408, 425, 429) or (status >= 500 and status not in (502, 504))
    )
    asked = 7 * times.SECOND if retry_after not in ("", "x") else None
    assert found.retry_after == (asked if found.verdict is Verdict.LATER else None)


@given(st.integers(400, 599))
def test_a_mail_servers_refusal_is_final_from_500_on(code: int) -> None:
    assert (verdicts.of_smtp(code).verdict is Verdict.REFUSED) == (code >= 500)
