"""Classifiers: make one and have its training followed, list, read, change, delete."""

from typing import Any, Literal

from pydantic import Field, field_validator

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events, watches
from daemon.connectors.compass.actions import shapes
from daemon.connectors.compass.events import classifiers as classifier_looks
from daemon.contract import declare, errors, requests
from daemon.model import times
from daemon.model.jsons import Json, JsonObject
from daemon.model.runs import Doubt

Type = Literal["voting", "topic_based", "sentiment_combined", "sentiment_split", "sentiment_wordlist"]
Status = Literal["active", "inactive"]


class CreateClassifier(shapes.InProject):
    """A new classifier."""

    name: str = Field(description="Its name, unique in the project.", min_length=1)
    type: Type = Field(description="What sort it is; a `voting` one learns from labelled documents.")
    status: Status = Field("active", description="What it is to be once it is trained.")
    info: dict[str, Any] | None = Field(
        None,
        description="Its settings, by type. `voting`: `dataset`, `num_topics` (1, or `ALL`), `threshold` (0.4). "
        "`topic_based`: the same and `topics`, each `{ title, clause }`. `sentiment_combined`: `combined_threshold` "
        "(0.4). `sentiment_split`: `negative_threshold` (-0.4), `positive_threshold` (0.4). `sentiment_wordlist`: "
        "`topics` as `{ name = { min, max } }` within -1 and 1, `wordlist` as `{ word = score }` within -5 and 5.",
    )
    wait: bool = Field(
        False, description="Wait until it is ready: the step's result is the final event's data."
    )
    wait_timeout: str = Field("24h", description="How long to wait at most.")

    @field_validator("wait_timeout")
    @classmethod
    def is_duration(cls, text: str) -> str:
        """A duration, as in ``24h``."""
        times.parse_duration(text)
        return text


class ClassifierId(shapes.InProject):
    """Which classifier."""

    classifier_id: str = Field(description="The classifier's id.", min_length=1)


class UpdateClassifier(ClassifierId, shapes.Changes):
    """Which classifier, and what to change of it."""

    name: str | None = Field(None, description="Its name, unique in the project.", min_length=1)
    status: Status | None = Field(
        None, description="`active` or `inactive`. Wait until it is trained before you make it active."
    )
    info: dict[str, Any] | None = Field(None, description="Settings to change, as when it was made.")


class ListClassifiers(shapes.InProject, shapes.Limited):
    """Which classifiers."""

    name: str | None = Field(None, description="Only the one of this name.")


class Classifiers(declare.Result):
    """Classifiers of a project."""

    count: int = Field(description="How many there are.")
    classifiers: list[events.ClassifierShown] = Field(description="The classifiers.")


class Training(declare.Result):
    """A classifier and how its training stands. With `wait`, how it ended."""

    classifier: events.ClassifierShown = Field(description="The classifier.")
    project_id: str = Field(description="The project it belongs to.")
    training_state: str = Field(description="`in_training`, `ready` or `error`.")
    status: str = Field(description="`active` or `inactive`.")
    previous: events.States | None = Field(None, description="Both states before; null when it is new.")
    error: str | None = Field(None, description="What went wrong in its training.")


async def note_namesake(client: vendor.CompassClient, parameters: CreateClassifier) -> JsonObject:
    """The ids of classifiers that have the name already: ``{"ids": ["7"]}``."""
    return {"ids": [one.id for one in await _namesakes(client, parameters)]}


async def look_for_classifier(
    client: vendor.CompassClient, parameters: CreateClassifier, call: declare.Call, before: JsonObject | None
) -> declare.Done[Training] | None:
    """Adopt the classifier of that name if it was not there *before*, and is what was asked for."""
    known = shapes.noted(before)["ids"]
    for one in await _namesakes(client, parameters):
        if one.id in known:
            return None  # it was there before: ours was refused, and will be again
        strange = [name for name in ("type", "info") if not _agrees(one.shown, parameters, name)]
        if strange:
            raise errors.Unclear(
                f"classifier {one.id} has the name, but {' and '.join(strange)} are not as asked for"
            )
        return _made(one, parameters, adopted=True)
    return None


@declare.action(
    "compass.create_classifier",
    doubt=Doubt.PROBED,
    why="its name is unique in the project: it tells whether the classifier is there",
    follows="classifiers",
    probe=declare.Probe(
        about="whether there is a classifier of that name that was not there before",
        look=look_for_classifier,
        note=note_namesake,
        lock=lambda parameters: f"classifiers/{parameters.project_id}/{parameters.name}",
    ),
    example={"project_id": "ab12cd34", "name": "mails", "type": "voting"},
)
async def create_classifier(
    client: vendor.CompassClient, parameters: CreateClassifier, call: declare.Call
) -> declare.Done[Training]:
    """Make a classifier. Its training is followed by itself: events tell how it goes, `wait` or not."""
    body = shapes.given(parameters, "name", "type", "status", "info")
    made = await client.call("POST", watches.path_of(parameters.project_id), json=body)
    return _made(watches.read_classifier(parameters.project_id, made), parameters)


@declare.action(
    "compass.list_classifiers",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34"},
)
async def list_classifiers(
    client: vendor.CompassClient, parameters: ListClassifiers, call: declare.Call
) -> declare.Done[Classifiers]:
    """List a project's classifiers."""
    path, query = watches.path_of(parameters.project_id), shapes.query(parameters, "name")
    found = await client.list_some(path, query, parameters.limit)
    shown = [watches.read_classifier(parameters.project_id, one).shown for one in found.objects]
    return declare.Done(requests.parse("Compass", Classifiers, {"count": found.count, "classifiers": shown}))


@declare.action(
    "compass.get_classifier",
    doubt=Doubt.REPEATABLE,
    why="it only reads",
    example={"project_id": "ab12cd34", "classifier_id": "2"},
)
async def get_classifier(
    client: vendor.CompassClient, parameters: ClassifierId, call: declare.Call
) -> declare.Done[events.ClassifierShown]:
    """Read one classifier."""
    found = await watches.get_classifier(client, parameters.project_id, parameters.classifier_id)
    return declare.Done(requests.parse("Compass", events.ClassifierShown, found.shown))


@declare.action(
    "compass.update_classifier",
    doubt=Doubt.REPEATABLE,
    why="it sets whole values",
    example={"project_id": "ab12cd34", "classifier_id": "2", "status": "inactive"},
)
async def update_classifier(
    client: vendor.CompassClient, parameters: UpdateClassifier, call: declare.Call
) -> declare.Done[events.ClassifierShown]:
    """Change a classifier's name, status or settings."""
    path = watches.path_of(parameters.project_id, parameters.classifier_id)
    answered = await client.call("PUT", path, json=shapes.changed(parameters))
    found = watches.read_classifier(parameters.project_id, answered)
    shown = requests.parse("Compass", events.ClassifierShown, found.shown)
    return declare.Done(shown, made=[("classifier", found.key)])


@declare.action(
    "compass.delete_classifier",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"project_id": "ab12cd34", "classifier_id": "2"},
)
async def delete_classifier(
    client: vendor.CompassClient, parameters: ClassifierId, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete a classifier. One that is not there is no error."""
    path = watches.path_of(parameters.project_id, parameters.classifier_id)
    gone = ("classifier", f"{parameters.project_id}/{parameters.classifier_id}")
    return await shapes.delete(client, path, call, gone)


def _made(
    found: classifier_looks.Classifier, parameters: CreateClassifier, *, adopted: bool = False
) -> declare.Done[Training]:
    """What it means that *found* was made by this step, just now or (*adopted*) a while ago."""
    begun = classifier_looks.begin(found) if adopted else found
    seen = classifier_looks.compare(None, begun, asked=parameters.status)
    options = {"project_id": parameters.project_id}
    return declare.Done(
        Training.model_validate(classifier_looks.tell(found, None)),
        facts=seen.facts,
        follow=declare.Follow("classifiers", found.key, memory=seen.memory, options=options),
        made=[("classifier", found.key)],
    )


async def _namesakes(
    client: vendor.CompassClient, parameters: CreateClassifier
) -> list[classifier_looks.Classifier]:
    path = watches.path_of(parameters.project_id)
    found = await client.list_all(path, {"name": parameters.name})
    return [
        watches.read_classifier(parameters.project_id, one)
        for one in found
        if one.get("name") == parameters.name
    ]


def _agrees(shown: JsonObject, parameters: CreateClassifier, name: str) -> bool:
    """Whether a classifier shows what was asked for; it may show more, and something else once training failed."""
    asked, told = getattr(parameters, name), shown.get(name)
    if not isinstance(asked, dict):
        return asked is None or asked == told
    broken = shown.get("training_state") == classifier_looks.BROKEN
    return broken or (isinstance(told, dict) and all(_is_told(told, key, asked[key]) for key in asked))


def _is_told(told: JsonObject, key: str, asked: Json) -> bool:
    """Lists and objects may be told in the service's own form; plain values are told as they are."""
    return key not in told or isinstance(asked, list | dict) or told[key] == asked
