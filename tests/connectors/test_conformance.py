"""What every connector keeps to, asked of whatever ``discover()`` finds: declarations, words, schemas.

``test_conformance_live`` asks the rest of it before servers.
"""

import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from daemon import connectors
from daemon.contract import declare, http, secret_forms, secrets
from daemon.model.runs import Doubt
from daemon.reference import answers, documents

CATALOG = connectors.discover()
KINDS = sorted(CATALOG.connectors)
ACCOUNT_KINDS = CATALOG.account_kinds
ACTIONS = sorted(CATALOG.actions)
FILES = {"__init__", "client", "events", "watches", "webhooks", "registering", "actions"}
GENERAL_WORDS = ("http", "event", "state", "log", "file", "notify")
CANARY = "canary-5d1c7f"

ABILITIES = """
populr.list_templates populr.list_template_pops populr.list_pops populr.get_pop populr.create_pop populr.update_pop
populr.delete_pop populr.publish_pop populr.unpublish_pop populr.create_tracer populr.get_tracer
populr.upload_document populr.upload_image populr.upload_background_image populr.create_embed populr.delete_document
populr.delete_image populr.delete_background_image populr.delete_embed populr.list_domains populr.add_domain
populr.delete_domain populr.enable_collaboration populr.disable_collaboration populr.request
popily.add_source popily.list_sources popily.get_source popily.list_insights popily.get_insight
popily.customize_insight popily.create_user popily.list_users popily.request
compass.add_documents compass.create_classifier compass.get_classifier compass.classify compass.post_messages
compass.request
tonalytica.execute_query tonalytica.get_job tonalytica.get_result tonalytica.get_query tonalytica.list_queries
tonalytica.create_query tonalytica.update_query tonalytica.archive_query tonalytica.get_cached_result
tonalytica.list_dashboards tonalytica.get_dashboard tonalytica.create_dashboard tonalytica.update_dashboard
tonalytica.archive_dashboard tonalytica.search_results tonalytica.find_tables tonalytica.clone_dashboard
tonalytica.export_queries tonalytica.request
plotly.create_grid plotly.get_grid plotly.append_rows plotly.append_columns plotly.update_grid plotly.create_plot
plotly.get_plot plotly.update_plot plotly.render_image plotly.create_folder plotly.lookup_file plotly.get_file
plotly.update_file plotly.trash_file plotly.restore_file plotly.delete_file plotly.search plotly.create_comment
plotly.delete_comment plotly.get_plot_schema plotly.get_user plotly.request
http.request event.emit state.set state.delete log.write file.write notify.send
""".split()

PROBED = """
populr.create_pop populr.update_pop populr.create_tracer populr.add_domain popily.add_source popily.create_user
compass.create_classifier compass.post_messages
compass.add_documents tonalytica.create_query tonalytica.execute_query tonalytica.create_dashboard
tonalytica.clone_dashboard tonalytica.update_query tonalytica.update_dashboard plotly.create_grid plotly.create_plot
plotly.append_rows plotly.append_columns plotly.create_folder
""".split()


def connector_of(kind: str) -> declare.Connector:
    return CATALOG.connectors[kind]


def folder_of(kind: str) -> Path:
    (place,) = importlib.import_module(f"daemon.connectors.{kind}").__path__
    return Path(place)


def settings_of(kind: str) -> declare.Settings:
    """Settings whose every credential is the canary."""
    model = connector_of(kind).settings
    assert model is not None
    secret = secret_settings(kind)
    given = {name: f"{CANARY}-{name}" for name in secret}
    names = {name: "ada" for name, field in model.model_fields.items() if name == "username"}
    return model.model_validate({"base_url": "https://service.example/v9", **names, **given})


def secret_settings(kind: str) -> list[str]:
    model = connector_of(kind).settings
    assert model is not None
    return [name for name, field in model.model_fields.items() if "SecretStr" in str(field.annotation)]


def undescribed(schema: dict, place: str = "") -> list[str]:
    """The places in a JSON schema that name a field and do not describe it; what it refers to included."""
    inner = [*schema.get("$defs", {}).items(), (place, schema)]
    return [
        f"{owner}.{name}"
        for owner, model in inner
        for name, field in model.get("properties", {}).items()
        if not field.get("description")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_holds_the_known_files_and_no_other(kind):
    found = {entry.stem for entry in folder_of(kind).iterdir() if entry.name != "__pycache__"}
    assert found <= FILES
    assert {"__init__", "client", "actions"} <= found
    assert ("watches" in found) == bool(connector_of(kind).watches)
    assert ("webhooks" in found) == bool(connector_of(kind).webhooks)
    assert ("registering" in found) == bool(connector_of(kind).registering)
    assert ("events" in found) == bool(connector_of(kind).events)
    assert connector_of(kind).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_module_says_what_it_is(kind):
    path = [str(folder_of(kind))]
    names = [module.name for module in pkgutil.walk_packages(path, f"daemon.connectors.{kind}.")]
    modules = [importlib.import_module(name) for name in (f"daemon.connectors.{kind}", *names)]
    assert [module.__name__ for module in modules if not (module.__doc__ or "").strip()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_everything_declared_says_what_it_does(kind):
    connector = connector_of(kind)
    declared = {
        kind: connector.about,
        **{name: action.about for name, action in connector.actions.items()},
        **{watch.resource: watch.about for watch in connector.watches},
        **{hook.hook: hook.about for hook in connector.webhooks},
        **{event.type: event.__doc__ for event in connector.events},
    }
    assert [name for name, about in declared.items() if not (about or "").strip().endswith((".", "`"))] == []


@pytest.mark.parametrize("name", ACTIONS)
def test_names_are_of_their_kind_and_begin_with_a_verb(name):
    kind = CATALOG.action_kinds[name]
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", name)
    first = name.partition(".")[0]
    assert first == kind if kind != "general" else first in GENERAL_WORDS


def test_every_ability_that_was_promised_is_there():
    assert sorted(set(ABILITIES) - set(ACTIONS)) == []


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_a_doubt_class_with_its_reason(name):
    action = CATALOG.actions[name]
    assert action.doubt in set(Doubt)
    assert len(action.why.split()) >= 3
    assert "\n" not in action.why


@pytest.mark.parametrize("name", PROBED)
def test_what_makes_something_can_be_probed(name):
    assert CATALOG.actions[name].doubt is Doubt.PROBED


@pytest.mark.parametrize("name", [name for name in ACTIONS if name.endswith(".request")])
def test_the_doubt_of_a_plain_request_goes_by_its_method(name):
    action = CATALOG.actions[name]
    place = {"path": "/x"} if "path" in action.parameters.model_fields else {"url": "https://a.example/x"}

    def doubt(method):
        return action.doubt_for(action.parameters.model_validate({"method": method, **place}))

    assert {doubt(method) for method in ("GET", "PUT", "DELETE")} == {Doubt.REPEATABLE}
    assert {doubt(method) for method in ("POST", "PATCH")} == {Doubt.UNSAFE}


@pytest.mark.parametrize("name", ACTIONS)
def test_parameters_and_results_have_schemas_with_every_field_described(name):
    action = CATALOG.actions[name]
    parameters = action.parameters.model_json_schema()
    result = action.result.model_json_schema(mode="serialization")
    assert undescribed(parameters, "parameters") + undescribed(result, "result") == []
    assert parameters["additionalProperties"] is False
    assert json.loads(json.dumps([parameters, result]))


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_an_example_that_is_one_call_of_it(name):
    action = CATALOG.actions[name]
    assert bool(action.example) == bool(action.parameters.model_fields), "an example names parameters"
    secret = secrets.secret_fields(action.parameters) & set(action.example)
    shown = [one for key in secret for one in leaves(action.example[key])]
    assert [one for one in shown if not secret_forms.is_reference(one)] == []
    given = {**action.example, **{key: with_secrets(action.example[key]) for key in secret}}
    assert action.parameters.model_validate(given).model_fields_set or not given
    assert set(given) <= set(documents.schema_of(action.parameters).get("properties", {}))


@pytest.mark.parametrize("kind", KINDS)
def test_the_face_lists_what_the_files_declare(kind):
    package = f"daemon.connectors.{kind}.actions"
    names = [one.name for one in pkgutil.walk_packages([str(folder_of(kind) / "actions")], f"{package}.")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    declared = {value.name for value in values if isinstance(value, declare.Action)}
    assert declared | {f"{kind}.request"} == {*connector_of(kind).actions, f"{kind}.request"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_face_names_what_the_models_mark_as_secret(kind):
    connector = connector_of(kind)
    models = [model for one in connector.actions.values() for model in (one.parameters, one.result)]
    marked = frozenset().union(*(secrets.secret_fields(model) for model in (*models, *connector.events)))
    assert marked - connector.secret_names == frozenset()


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_a_recorded_result_that_fits_its_model(name):
    answer = answers.recorded()[name]
    assert CATALOG.actions[name].result.model_validate(answer).model_fields_set
    assert answer


def test_results_are_recorded_of_actions_that_exist():
    assert sorted(answers.recorded()) == ACTIONS


def leaves(value):
    """A secret's reference, or those in an object of them."""
    if isinstance(value, dict) and not secret_forms.is_reference(value):
        return [leaf for one in value.values() for leaf in leaves(one)]
    return [value]


def with_secrets(value):
    """*value* as an action gets it."""
    if isinstance(value, dict) and not secret_forms.is_reference(value):
        return {key: with_secrets(one) for key, one in value.items()}
    return CANARY


@pytest.mark.parametrize("name", [name for name in ACTIONS if CATALOG.actions[name].follows])
def test_what_starts_long_work_names_its_watch_and_can_be_waited_for(name):
    action = CATALOG.actions[name]
    assert (CATALOG.action_kinds[name], action.follows) in CATALOG.watches
    fields = action.parameters.model_fields
    assert (fields["wait"].default, fields["wait_timeout"].default) == (False, "24h")


@pytest.mark.parametrize("kind", KINDS)
def test_watches_and_webhooks_tell_events_that_exist(kind):
    connector = connector_of(kind)
    told = [*(type for watch in connector.watches for type in watch.events)]
    told += [hook.event for hook in connector.webhooks]
    assert set(told) <= set(CATALOG.events)
    own = {event.type for event in connector.events if event.type != f"{kind}.callback.received"}
    assert own == set(told)
    assert [type for type in own if not re.fullmatch(rf"{kind}\.[a-z]+\.[a-z]+(_[a-z]+)*", type)] == []


@pytest.mark.parametrize("resource", sorted(CATALOG.watches))
def test_a_watchs_options_are_described_and_refuse_what_they_do_not_know(resource):
    schema = CATALOG.watches[resource].options.model_json_schema()
    assert undescribed(schema, "options") == []
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("type", sorted(CATALOG.events))
def test_an_events_example_is_one_and_its_fields_are_described(type):
    model = CATALOG.events[type]
    event = model.model_validate(model.example)
    assert event.model_fields_set
    assert model.subject
    assert undescribed(model.model_json_schema(), type) == []


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_an_example_shows_every_field_that_its_event_has(kind):
    lacking = {
        event.type: sorted(set(event.model_fields) - set(event.example))
        for event in connector_of(kind).events
        if set(event.model_fields) - set(event.example)
    }
    assert lacking == {}


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
async def test_secrets_are_never_shown(kind):
    settings = settings_of(kind)
    way = http.Http(settings.base_url)
    client = connector_of(kind).client(settings, way)
    shown = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(settings.model_dump()),
        repr(client),
    ]
    await way.close()
    assert secret_settings(kind)
    assert all(isinstance(getattr(settings, name), SecretStr) for name in secret_settings(kind))
    assert [text for text in [*shown, str(client)] if CANARY in text] == []


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "ftp://service.example"},
        {"base_url": "service.example/api"},
        {"base_url": "https://"},
        {"base_url": "https://service.example/v9?x=1"},
        {"base_url": "https://service.example/v9#x"},
        {"base_url": f"https://ada:{CANARY}@service.example/v9"},
        {"api_token": CANARY},
    ],
)
def test_nonsense_in_the_settings_is_refused_without_showing_secrets(kind, wrong):
    good = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in settings_of(kind).model_dump(exclude_unset=True).items()
    }
    model = connector_of(kind).settings
    assert model is not None
    with pytest.raises(ValidationError) as refused:
        model.model_validate({**good, **wrong})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_a_trailing_slash_of_the_base_url_does_not_matter(kind):
    settings = settings_of(kind)
    again = type(settings).model_validate(
        {**settings.model_dump(exclude_unset=True), "base_url": settings.base_url + "/"}
    )
    assert http.Http(again.base_url).base_url == settings.base_url


@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_settings_are_described_and_all_but_compass_know_their_address(kind):
    model = connector_of(kind).settings
    assert model is not None
    assert undescribed(model.model_json_schema(), kind) == []
    assert model.model_fields["base_url"].is_required() == (kind == "compass")


@pytest.mark.parametrize("name", ACTIONS)
def test_a_wrong_parameter_is_refused_without_its_value(name):
    with pytest.raises(ValidationError) as refused:
        CATALOG.actions[name].parameters.model_validate({"no_such_name": CANARY})
    assert CANARY not in str(refused.value)


def test_every_probed_action_says_how_it_is_looked_for_and_no_other_does():
    probed = {
        name for name, action in CATALOG.actions.items() if action.doubt is Doubt.PROBED or action.doubt_of
    }
    declared = {name for name, action in CATALOG.actions.items() if action.probe is not None}
    missing = {name for name in probed if not CATALOG.actions[name].doubt_of} - declared
    assert missing == set(), "an action that is probed declares its probe"
    assert declared <= probed


@pytest.mark.parametrize("name", sorted(name for name in ACTIONS if CATALOG.actions[name].probe))
def test_a_probe_is_whole(name):
    probe = CATALOG.actions[name].probe
    assert probe is not None
    assert len(probe.about.split()) > 3
    assert not probe.about.endswith(".")
    assert probe.about == " ".join(probe.about.split())
    assert probe.note is not None or probe.lock is None, "what is locked is counted, so it is noted first"
