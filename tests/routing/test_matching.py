"""Which runs an event asks for: types, globs, conditions, items."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.model import reactions, scope
from daemon.model.events import Event
from daemon.model.scope import StateNeeded
from daemon.routing import matching
from tests import clocks
from tests.running.world import reaction

NOW = clocks.START


def event(type: str = "order.came", **values: Any) -> Event:
    given_values: dict[str, Any] = {
        "seq": 1,
        "id": "e1",
        "source": "shop",
        "subject": "s1",
        "time": NOW,
        "recorded_at": NOW,
        "key": "k",
        "trace": "t",
        "depth": 0,
        **values,
    }
    return Event(type=type, **given_values)


def wishes(found: Event, state: Mapping[str, Any] | None = None, **values: Any) -> list[matching.Wish]:
    return matching.wishes(matching.Rules([reaction(**values)]), found, NOW, state or {})


@pytest.mark.parametrize(
    "pattern, type, fits",
    [
        ("order.came", "order.came", True),
        ("order.came", "order.came.late", False),
        ("order.*", "order.came.late", True),
        ("order.*", "order", False),
        ("*", "order.came", True),
        ("*", "pointsman.run.dead", False),
        ("*", "populr.callback.received", False),
        ("pointsman.*", "pointsman.run.dead", True),
        ("populr.*", "populr.callback.received", True),
        ("*.run.*", "pointsman.run.dead", True),
        ("order.cam?", "order.came", True),
        ("order.cam?", "order.cam", False),
        ("Order.*", "order.came", False),
        ("order.[c]ame", "order.came", False),
        ("order.[c]ame", "order.[c]ame", True),
    ],
)
def test_types(pattern: str, type: str, fits: bool) -> None:
    assert bool(wishes(event(type), on=(pattern,))) is fits


def test_one_of_several_patterns_is_enough_and_makes_one_run() -> None:
    assert len(wishes(event(), on=("tea.*", "order.*", "order.came"))) == 1


@pytest.mark.parametrize(
    "globs, fits",
    [
        ({"source": "shop"}, True),
        ({"source": "sh*"}, True),
        ({"source": "other"}, False),
        ({"subject": "s?"}, True),
        ({"subject": "S1"}, False),
        ({"source": "shop", "subject": "x*"}, False),
    ],
)
def test_source_and_subject(globs: dict[str, Any], fits: bool) -> None:
    assert bool(wishes(event(), **globs)) is fits


def test_a_disabled_reaction_wishes_nothing() -> None:
    assert wishes(event(), enabled=False) == []


@pytest.mark.parametrize(
    "condition, fits",
    [
        ("event.data.n > 2", True),
        ("event.data.n > 3", False),
        ("event.subject == 's1' and event.source == 'shop'", True),
        ("event.data.missing is defined", False),
        ("none", False),
        ("[]", False),
    ],
)
def test_conditions(condition: str, fits: bool) -> None:
    assert bool(wishes(event(data={"n": 3}), when=condition)) is fits


@pytest.mark.parametrize(
    "condition, says",
    [("event.data.missing > 2", "missing"), ("1 / event.data.zero", "zero"), ("event.data.n > 'x'", "<")],
)
def test_a_condition_that_fails_is_a_dead_run_that_says_why(condition: str, says: str) -> None:
    (wish,) = wishes(event(data={"n": 3, "zero": 0}), when=condition)
    assert wish.error is not None
    assert says in wish.error or "compar" in wish.error or "support" in wish.error


def test_what_breaks_in_an_unforeseen_way_is_a_dead_run_and_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_given: Any, **_more: Any) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(scope, "build", break_down)
    (wish,) = wishes(event())
    assert "OverflowError: date value out of range" in str(wish.error)


@pytest.mark.parametrize("time", [2**62, -(2**62)])
def test_an_event_of_an_impossible_time_is_seen_with_the_nearest_there_is(time: int) -> None:
    (wish,) = wishes(event(time=time), when="(event.time | isoformat)[:4] in ('0001', '9999')")
    assert wish.error is None


def test_a_condition_may_ask_for_state() -> None:
    with pytest.raises(StateNeeded) as needed:
        wishes(event(), when="state('open') == 1")
    assert needed.value.key == "open"
    assert len(wishes(event(), {"open": 1}, when="state('open') == 1")) == 1
    assert wishes(event(), {"open": None}, when="state('open') == 1") == []


def test_items_become_runs_of_their_own() -> None:
    found = wishes(event(data={"rows": [{"a": 1}, None, 3]}), for_each="event.data.rows")
    assert [(wish.item_key, wish.item, wish.error) for wish in found] == [
        ("0", {"a": 1}, None),
        ("1", None, None),
        ("2", 3, None),
    ]


def test_the_condition_comes_before_the_items() -> None:
    assert wishes(event(data={"n": 1}), when="event.data.n > 1", for_each="event.data.missing") == []


@pytest.mark.parametrize("items", ["[]", "event.data.rows", "none or []"])
def test_no_items_no_runs(items: str) -> None:
    assert wishes(event(data={"rows": []}), for_each=items) == []


@pytest.mark.parametrize("items", ["'text'", "{'a': 1}", "5", "event.data.missing"])
def test_what_is_no_list_is_a_dead_run(items: str) -> None:
    (wish,) = wishes(event(), for_each=items)
    assert wish.error is not None


def test_null_is_no_list_and_the_dead_run_says_what_to_do() -> None:
    (wish,) = wishes(event(data={"rows": None}), for_each="event.data.rows")
    assert wish.error == "for_each gave no list but null. Write `… or []` where it may be null."


@pytest.mark.parametrize(
    "counted, says", [({"row_count": 400}, "max_payload, 400 rows."), ({}, "max_payload. Ask for less")]
)
def test_a_list_that_was_too_large_to_keep_is_a_dead_run_that_says_so(
    counted: dict[str, int], says: str
) -> None:
    (wish,) = wishes(event(data={"rows": None, "truncated": True, **counted}), for_each="event.data.rows")
    assert says in (wish.error or "")


def test_ten_thousand_items_are_the_most() -> None:
    rows = list(range(matching.MOST_ITEMS))
    assert len(wishes(event(data={"rows": rows}), for_each="event.data.rows")) == 10_000
    (dead,) = wishes(event(data={"rows": [*rows, 0]}), for_each="event.data.rows")
    assert "10001" in (dead.error or "")


@given(some.text(alphabet="ab.*?[", max_size=8), some.text(alphabet="ab.", max_size=8))
def test_globs_agree_with_a_plain_reading(pattern: str, text: str) -> None:
    assert reactions.matches_glob(pattern, text) == read_glob(pattern, text)


def read_glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(read_glob(rest, text[n:]) for n in range(len(text) + 1))
    return bool(text) and head in ("?", text[0]) and read_glob(rest, text[1:])
