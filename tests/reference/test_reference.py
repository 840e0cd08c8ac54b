"""The reference: what the documents hold, and that the pages show all of it."""

import dataclasses
import re
from typing import ClassVar

import pytest
import typer
from pydantic import Field

from daemon import connectors, reference
from daemon.contract import catalog, declare, secrets
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class Place(declare.Result):
    """Where it stands."""

    shelf: int = Field(description="The shelf's number.")


class Store(declare.Parameters):
    """What to store."""

    name: str = Field(description="Its name | label.")
    pin: secrets.SecretText | None = Field(None, description="What opens the box.")
    tags: list[str] = Field(default_factory=list, description="Words about it.")
    depth: int = Field(3, description="How deep.")


class BoxStored(declare.EventData):
    """A box was stored.

    It stands on a shelf of :class:`Place`, and ``nowhere`` else.
    """

    type: ClassVar[str] = "depot.box.stored"
    subject: ClassVar[str] = "box id"
    example: ClassVar[JsonObject] = {"place": {"shelf": 3}}
    place: Place = Field(description="Where it stands now.")


class NoOptions(declare.Options):
    """None."""


@declare.action(
    "depot.store_box",
    doubt=Doubt.UNSAFE,
    why="a box stored twice stands there twice",
    example={"name": "hats"},
)
async def store_box(client: None, parameters: Store, call: declare.Call) -> declare.Done[Place]:
    """Store a box."""
    return declare.Done(Place(shelf=1))


@declare.watch("boxes", noun="box", events=("depot.box.stored",), wanted=lambda _options: None)
async def boxes(client: None, options: NoOptions, cursor: declare.Cursor) -> list[declare.Seen]:
    """All boxes."""
    return []


DEPOT = declare.Connector(
    kind="depot",
    about="A depot.",
    settings=declare.Settings,
    client=lambda _settings, _http: None,
    ping=None,
    actions=declare.listed(__name__, {}, store_box),
    watches=(boxes,),
    events=(BoxStored,),
)
CATALOG = catalog.gather([DEPOT])
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "include": {"type": "array", "items": {"type": "string"}, "description": "More files."},
        "depot": {"$ref": "#/$defs/Depot"},
        "shelf": {"type": "array", "items": {"$ref": "#/$defs/Shelf"}},
        "services": {
            "type": "object",
            "properties": {"depot": {"$ref": "#/$defs/Depot"}},
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/Depot"}]},
        },
    },
    "$defs": {
        "Secret": {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"env": {"type": "string"}}},
                {"type": "object", "properties": {"file": {"type": "string"}}},
            ]
        },
        "Depot": {
            "type": "object",
            "description": "The depot itself.",
            "required": ["door"],
            "properties": {
                "door": {"type": "string", "description": "Which door."},
                "pin": {"anyOf": [{"$ref": "#/$defs/Secret"}, {"type": "null"}], "default": None},
            },
        },
        "Shelf": {
            "type": "object",
            "properties": {
                "height": {"type": "integer", "default": 2},
                "side": {"enum": ["left", "right"]},
                "with": {"type": "object"},
                "limits": {
                    "type": "object",
                    "properties": {"weight": {"type": "number"}, "boxes": {"type": "integer"}},
                },
            },
            "allOf": [
                {
                    "if": {"properties": {"side": {"const": "left"}}},
                    "then": {
                        "properties": {
                            "height": True,
                            "lamp": {"type": "boolean", "description": "Lit."},
                            "with": {"properties": {"hook": {}}},
                        }
                    },
                }
            ],
        },
    },
}


def test_an_action_is_told_whole() -> None:
    (told,) = reference.document("actions", CATALOG)["actions"]
    assert (told["name"], told["service"], told["doubt"]) == ("depot.store_box", "depot", "unsafe")
    assert told["why"] == "a box stored twice stands there twice"
    assert told["parameters"]["required"] == ["name"]
    assert told["parameters"]["properties"]["pin"]["writeOnly"] is True
    assert "writeOnly" not in told["parameters"]["properties"]["name"]
    assert told["result"]["properties"]["shelf"]["type"] == "integer"
    assert told["example"] == {"name": "hats"}


async def look_around(*_given: object) -> None:
    """Nothing is there."""


def test_a_probed_action_tells_what_is_looked_for() -> None:
    probe = declare.Probe(about="a box of that name", look=look_around)
    probed = dataclasses.replace(store_box, doubt=Doubt.PROBED, probe=probe)
    found = dataclasses.replace(CATALOG, actions=declare.listed(__name__, {}, probed))
    (told,) = reference.document("actions", found)["actions"]
    assert (told["doubt"], told["probe"]) == ("probed", "a box of that name")
    assert "How a lost call is looked for: a box of that name." in reference.render("actions", found)


def test_an_event_names_who_tells_it() -> None:
    told = {one["type"]: one for one in reference.document("events", CATALOG)["events"]}
    assert told["depot.box.stored"]["told_by"] == ["watch boxes"]
    assert told["depot.box.stalled"]["told_by"] == ["watch boxes"]
    assert told["depot.box.stored"]["example"] == {"place": {"shelf": 3}}
    assert told["depot.box.stored"]["about"].endswith("It stands on a shelf of `Place`, and `nowhere` else.")
    assert "schedule.fired" in told


def test_every_kind_of_document_is_plain_json() -> None:
    program = typer.main.get_command(typer.Typer(callback=lambda: None))
    for kind in reference.KINDS:
        document = reference.document(kind, connectors.discover(), SCHEMA, program)
        assert jsons.loads(jsons.dumps(document)) == document


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="no reference of colours"):
        reference.document("colours", CATALOG)


def rows(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("|")]


def test_the_actions_page_shows_parameters_with_their_defaults() -> None:
    page = reference.render("actions", CATALOG)
    assert "### `depot.store_box`" in page
    assert "| `name` | text | *required* | Its name \\| label. |" in page
    assert "| `pin` | text |  | What opens the box. Secret. |" in page
    assert "| `tags` | list of text |  | Words about it. |" in page
    assert "| `depth` | whole number | `3` | How deep. |" in page
    assert "| `shelf` | whole number | The shelf's number. |" in page
    assert 'action = "depot.store_box"\nwith = { name = "hats" }\n' in page


def test_the_events_page_spells_inner_fields_out() -> None:
    page = reference.render("events", CATALOG)
    assert "## `depot.box.stored`" in page
    assert "| `place.shelf` | whole number | The shelf's number. |" in page
    assert '"shelf": 3' in page


def test_the_config_page_has_a_table_for_each_header() -> None:
    document = reference.document("config", CATALOG, SCHEMA)
    names = [table["name"] for table in document["tables"]]
    assert names == ["", "[depot]", "[[shelf]]", "[shelf.limits]", "[services.depot]"]
    page = reference.markdown("config", document)
    assert "| `door` | text | *required* | Which door. |" in page
    assert "| `pin` | secret |  |  |" in page
    assert "| `side` | `left` or `right` |  |  |" in page
    assert "| `height` | whole number | `2` |  |" in page


def test_the_config_page_tells_what_a_value_brings_with_it() -> None:
    page = reference.render("config", CATALOG, SCHEMA)
    assert 'With `side = "left"` also:' in page
    assert "| `lamp` | true or false |  | Lit. |" in page
    assert "| `left` | `hook` |" in page
    assert page.count("| `height` |") == 1


def small_program() -> typer.Typer:
    program = typer.Typer(help="Sets the points.", add_completion=False)
    inner = typer.Typer(help="About events.")

    @inner.command()
    def show(ids: list[str], limit: int = typer.Option(100, help="How many."), json: bool = False) -> None:
        """One event.

        With its runs.
        """

    @program.command(hidden=True)
    def secretly() -> None:
        """Nobody sees it."""

    program.add_typer(inner, name="events")
    return program


def test_the_commands_page_shows_groups_arguments_and_options() -> None:
    program = small_program()
    page = reference.render("commands", CATALOG, None, typer.main.get_command(program))
    assert "## `pointsman events show`" in page
    assert "With its runs." in page
    assert "| `--limit` | 100 | How many. |" in page
    assert "secretly" not in page
    assert "| `IDS…` |  |" in page
    assert "| `--json`, `--no-json` |  |  |" in page


def test_examples_of_commands_are_shown_as_they_are() -> None:
    program = typer.Typer()

    @program.command()
    def look(deep: bool = False) -> None:
        """Look there.

        \b
          pointsman look
          pointsman look --deep
        """

    page = reference.render("commands", CATALOG, None, typer.main.get_command(program))
    assert "Look there.\n\n```sh\npointsman look\npointsman look --deep\n```\n" in page


@pytest.mark.parametrize("kind", ["events", "actions", "config"])
def test_every_row_of_a_table_has_the_cells_of_its_head(kind: str) -> None:
    page = reference.render(kind, connectors.discover(), SCHEMA)
    assert rows(page)
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_every_link_of_a_page_has_its_heading() -> None:
    for kind in ("events", "actions"):
        page = reference.render(kind, connectors.discover())
        headings = re.findall(r"^#+ `?(.*?)`?$", page, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        linked = set(re.findall(r"\]\(#([^)]*)\)", page))
        assert linked
        assert linked <= anchors


def test_what_is_found_is_all_in_the_pages() -> None:
    found = connectors.discover()
    actions, events = reference.render("actions", found), reference.render("events", found)
    assert [name for name in found.actions if f"### `{name}`" not in actions] == []
    assert [type for type in found.events if f"## `{type}`" not in events] == []
    assert "plotly.create_grid" in found.actions
