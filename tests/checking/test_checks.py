"""What is good is not complained of, and what is not known is not judged."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import checking
from tests.config import surroundings

ACCOUNTS = (
    '[http]\npublic_url = "https://hooks.example.com"\nwebhook_secret = { env = "SECRET" }\n'
    '[services.populr]\napi_key = { env = "SECRET" }\n'
    '[services.tonalytica]\napi_key = { env = "SECRET" }\n'
    '[services.popily]\ntoken = { env = "SECRET" }\n'
)


def told(folder: Path, on: str, message: str, more: str = "", before: str = "") -> list[str]:
    """What is said of a reaction on *on* that writes *message*; *before* are steps of its own."""
    text = (
        f'{ACCOUNTS}[[reaction]]\nname = "r"\non = {on}\n{more}\n{before}'
        f"[[reaction.do]]\nid = \"log\"\naction = \"log.write\"\nwith = {{ message = '''{message}''' }}\n"
    )
    return [one.text for one in surroundings.problems(surroundings.read(folder, text))]


BOTH = '["populr.tracer.opened", "populr.collaboration.finished"]'
OWN = '["populr.tracer.opened", "mine.happened"]'
ASK = (
    '[[reaction.do]]\nid = "ask"\naction = "tonalytica.execute_query"\nwith = { query_id = 17, wait = %s }\n'
)


@pytest.mark.parametrize(
    "on, message",
    [
        ('"populr.tracer.opened"', '{{ event.data.pop["undocumented"].x }}'),
        (
            '"populr.tracer.opened"',
            "{% for one in event.data.analytics.links %}{{ one.x }}{{ loop.index }}{% endfor %}",
        ),
        ('"populr.tracer.opened"', "{% set pop = event.data.pop %}{{ pop.anything }}"),
        ('"populr.tracer.opened"', "{{ event.data.analytics.links.whatever.clicks }}"),
        (BOTH, "{{ event.data.pop.title }}"),
        (BOTH, "{{ event.data.firing | default(0) }}"),
        (BOTH, "{{ event.data.firing if event.data.firing is defined else 0 }}"),
        (OWN, "{{ event.data.first | default(0) }}"),
        ('"mine.happened"', "{{ event.data.any.thing }}"),
        ('"mine.*"', "{{ event.data.any.thing }} {{ run.id }} {{ state('x') }} {{ now() | isoformat }}"),
        ('"*"', "{{ event.type }} {{ event.data['x'] }}"),
        ('"tonalytica.*"', "{{ event.data.job.id | default('') }}"),
        ('"tonalytica.job.succeeded"', "{{ event.data.row_count | default(0) }}"),
        (BOTH, "{{ event.data.truncated is defined }} {{ event.data.size }}"),
    ],
)
def test_good_templates(tmp_path: Path, on: str, message: str) -> None:
    webhook = (
        '[[webhook]]\nname = "w"\nverify = "token"\nsecret = { env = "SECRET" }\ntype = "mine.happened"\n'
    )
    assert told(tmp_path, on, message, more=_after(webhook)) == []


@pytest.mark.parametrize(
    "on, message, said",
    [
        (BOTH, "{{ event.data.firing }}", "populr.collaboration.finished lacks it"),
        (OWN, "{{ event.data.mine }}", "populr.tracer.opened lacks it"),
        ('"populr.*"', "{{ event.data.nothing_has_this }}", "has no nothing_has_this"),
        ('"schedule.fired"', "{{ event.data.depth }}", "has no depth"),
        ('"mine.happened"', "{{ event.dat.x }}", "event has no dat"),
        ('"mine.happened"', "{{ run.statu }}", "run has no statu"),
        ('"mine.happened"', "{{ now }}", "now is a function"),
        ('"mine.happened"', "{{ state.x }}", "state is a function"),
        ('"mine.happened"', "{{ events }}", "not built yet"),
        ('"mine.happened"', "{{ undefined_function() }}", "nothing is called undefined_function"),
        ('"mine.happened"', "{{ range }}", "nothing is called range"),
        ('"mine.happened"', "{% for n in range(3) %}{{ n }}{% endfor %}", "nothing is called range"),
    ],
)
def test_bad_templates(tmp_path: Path, on: str, message: str, said: str) -> None:
    (found,) = told(tmp_path, on, message)
    assert said in found


def test_a_waiting_step_gives_the_data_of_the_final_event(tmp_path: Path) -> None:
    on = '"mine.happened"'
    assert told(tmp_path, on, "{{ steps.ask.rows }}", before=ASK % "true") == []
    (found,) = told(tmp_path, on, "{{ steps.ask.rowws }}", before=ASK % "true")
    assert "has no rowws" in found
    assert told(tmp_path, on, "{{ steps.ask.rowws }}", before=ASK % "'{{ event.data.wait }}'") == []


def test_the_data_of_schedules_is_known(tmp_path: Path) -> None:
    schedules = '[[schedule]]\nname = "a"\nevery = "1h"\ndata = { depth = 3 }\n[[schedule]]\nname = "b"\nevery = "1h"\n'
    (found,) = told(tmp_path, '"schedule.fired"', "{{ event.data.depth }}", before="", more=_after(schedules))
    assert "schedule.fired of b lacks it" in found
    more = f'subject = "a"\n{_after(schedules)}'
    assert told(tmp_path, '"schedule.fired"', "{{ event.data.depth }}", more=more) == []


def _after(tables: str) -> str:
    """*tables*, put where a step stands first, so that the step after them still belongs to the reaction."""
    return f'[[reaction.do]]\naction = "state.delete"\nwith = {{ key = "x" }}\n{tables}'


def test_parameters_with_templates_are_judged_by_what_is_certain(tmp_path: Path) -> None:
    def step(given: str) -> list[str]:
        return told(
            tmp_path,
            '"mine.happened"',
            "x",
            before=f'[[reaction.do]]\naction = "tonalytica.execute_query"\nwith = {given}\n',
        )

    assert step('{ query_id = "{{ event.data.id }}", parameters = { a = "x{{ event.data.a }}" } }') == []
    assert step('{ query_id = 17, wait_timeout = "{{ event.data.n }}h" }') == []
    assert step('{ query_id = "1{{ event.data.id }}" }') != []
    assert step("{ query_id = 17, parameters = [1] }") != []
    assert step('{ query_id = 17, wait_timeout = "a while" }') != []


def test_names_that_may_stand_in_an_unread_file_are_not_judged(tmp_path: Path) -> None:
    text = (
        'include = ["services.toml"]\n[[watch]]\nname = "w"\nservice = "popily"\nresource = "sources"\nevery = "1m"\n'
        '[[reaction]]\nname = "r"\non = "mine.*"\nsource = "elsewhere"\n'
        '[[reaction.do]]\naction = "populr.publish_pop"\nwith = { pop_id = "1" }\n'
    )
    (tmp_path / "services.toml").write_text("[services.populr\n")
    found = surroundings.problems(surroundings.read(tmp_path, text))
    assert [Path(one.place.file).name for one in found] == ["services.toml"]


@pytest.mark.parametrize(
    "on, meant", [("shedule.fired", "schedule.fired"), ("popilly.source.added", "popily.source.added")]
)
def test_an_own_type_that_looks_like_another_is_a_warning(tmp_path: Path, on: str, meant: str) -> None:
    [found] = surroundings.problems(
        surroundings.read(
            tmp_path,
            f"{ACCOUNTS}[[reaction]]\nname = 'r'\non = '{on}'\n"
            "do = [{ id = 'log', action = 'log.write', with = { message = 'x' } }]\n",
        )
    )
    assert (found.severity, found.help) == ("warning", f"Did you mean {meant}?")


def test_a_glob_for_events_from_outside_is_a_warning(tmp_path: Path) -> None:
    text = '[[reaction]]\nname = "r"\non = "deploy.*"\n[[reaction.do]]\naction = "state.delete"\nwith = { key = "x" }\n'
    (found,) = surroundings.problems(surroundings.read(tmp_path, text))
    assert found.severity == "warning"
    emitting = (
        text + '[[reaction.do]]\naction = "event.emit"\nwith = { type = "deploy.done", subject = "x" }\n'
    )
    assert surroundings.problems(surroundings.read(tmp_path, emitting)) == ()


@pytest.mark.parametrize(
    "address, open",
    [("[::1]:1", False), ("127.9.9.9:1", False), ("localhost:1", False), ("[::]:1", True), ("", False)],
)
def test_who_reaches_the_admin_side(tmp_path: Path, address: str, open: bool) -> None:
    text = f'[http]\nadmin_listen = "{address}"\n'
    assert bool(surroundings.problems(surroundings.read(tmp_path, text))) is open
    with_token = text + 'admin_token = { env = "SECRET" }\n'
    assert surroundings.problems(surroundings.read(tmp_path, with_token)) == ()


def test_two_listeners_want_two_addresses(tmp_path: Path) -> None:
    text = '[http]\nadmin_listen = "127.0.0.1:8080"\n'
    (found,) = surroundings.problems(surroundings.read(tmp_path, text))
    assert (found.place.line, found.place.column) == (2, 16)


KEYS = st.sampled_from(
    "services webhook watch schedule reaction http do name on with action service type resource cron at every "
    "timezone when for_each if id data populr populr.create_pop event.emit 0 2 * {{ event.data }} mine.x".split()
)
TREES: st.SearchStrategy[Any] = st.recursive(
    KEYS | st.integers() | st.booleans() | st.just("{{ event.x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(KEYS, TREES))
def test_no_tree_is_too_strange(tree: dict[str, Any]) -> None:
    found = checking.check(tree, surroundings.catalog())
    assert all(problem.text for problem in found)


NIGHTLY = '[[schedule]]\nname = "nightly"\nevery = "1d"\n'


@pytest.mark.parametrize(
    "on, subject, schedules, said",
    [
        ('"schedule.fired"', "nightly", NIGHTLY, []),
        ('"schedule.fired"', "night*", NIGHTLY, []),
        ('["schedule.fired", "mine.happened"]', "other", NIGHTLY, []),
        ('"schedule.fired"', "nigthly", NIGHTLY, ["no schedule is called nigthly"]),
        ('"schedule.fired"', "nightly", "", ["no schedule is called nightly"]),
    ],
)
def test_a_subject_that_no_schedule_has_is_wondered_at(
    tmp_path: Path, on: str, subject: str, schedules: str, said: list[str]
) -> None:
    more = f'subject = "{subject}"\n'
    assert told(tmp_path, on, "x", more, f"{schedules}") == said
