"""Classifiers: make one and have its training followed, look at one."""

from typing import Any, Literal

from pydantic import Field, field_validator

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass import events, watches
from daemon.contract import declare, errors, requests
from daemon.model import times
from daemon.model.runs import Doubt

Type = Literal["voting", "topic_based", "sentiment_combined", "sentiment_split", "sentiment_wordlist"]


class CreateClassifier(declare.Parameters):
    """A new classifier."""

    project_id: str = Field(description="The project's id.", min_length=1)
    name: str = Field(description="Its name, unique in the project.", min_length=1)
    type: Type = Field(description="What sort it is; a `voting` one learns from labelled documents.")
    status: Literal["active", "inactive"] = Field(
        "active", description="What it is to be once it is trained."
    )
    info: dict[str, Any] | None = Field(
        None,
        description="Its settings, by type: `dataset`, `num_topics`, `threshold`, `topics`, `wordlist` …",
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


class GetClassifier(declare.Parameters):
    """Which classifier."""

    project_id: str = Field(description="The project's id.", min_length=1)
    classifier_id: str | int = Field(description="The classifier's id.")


class Training(declare.Result):
    """A classifier and how its training stands. With `wait`, how it ended."""

    classifier: events.ClassifierShown = Field(description="The classifier.")
    project_id: str = Field(description="The project it belongs to.")
    training_state: str = Field(description="`in_training`, `ready` or `error`.")
    status: str = Field(description="`active` or `inactive`.")
    previous: events.States | None = Field(None, description="Both states before; null when it is new.")
    error: str | None = Field(None, description="What went wrong in its training.")


@declare.action(
    "compass.create_classifier",
    doubt=Doubt.PROBED,
    why="its name is unique in the project: it tells whether the classifier is there",
    follows="classifiers",
)
async def create_classifier(
    client: vendor.CompassClient, parameters: CreateClassifier, call: declare.Call
) -> declare.Done[Training]:
    """Make a classifier. Its training is followed by itself: events tell how it goes, `wait` or not."""
    found = await _create(client, parameters, call)
    seen = events.compare(None, found, asked=parameters.status)
    return declare.Done(
        Training.model_validate(events.tell(found, None)),
        facts=seen.facts,
        follow=declare.Follow(
            "classifiers", found.key, memory=seen.memory, options={"project_id": parameters.project_id}
        ),
        made=[("classifier", found.key)],
    )


async def _create(
    client: vendor.CompassClient, parameters: CreateClassifier, call: declare.Call
) -> events.Classifier:
    """The new classifier, or the one that an earlier try of this very step has made.

    A repeat is refused with 400, since the name is taken; one of that name and type is the earlier try's.
    """
    body = parameters.model_dump(include={"name", "type", "status", "info"}, exclude_none=True)
    try:
        made = await client.call("POST", watches.path_of(parameters.project_id), json=body)
        return watches.read_classifier(parameters.project_id, made)
    except errors.PermanentError as refused:
        earlier = None
        if refused.status == 400 and call.first_sent_at is not None:
            earlier = await _find(client, parameters)
        if earlier is None:
            raise
        return earlier


async def _find(client: vendor.CompassClient, parameters: CreateClassifier) -> events.Classifier | None:
    path = watches.path_of(parameters.project_id)
    for one in await client.list_all(path, {"name": parameters.name}):
        if one.get("name") == parameters.name and one.get("type") == parameters.type:
            return watches.read_classifier(parameters.project_id, one)
    return None


@declare.action("compass.get_classifier", doubt=Doubt.REPEATABLE, why="it only reads")
async def get_classifier(
    client: vendor.CompassClient, parameters: GetClassifier, call: declare.Call
) -> declare.Done[events.ClassifierShown]:
    """Read one classifier."""
    found = await watches.get_classifier(client, parameters.project_id, parameters.classifier_id)
    return declare.Done(requests.parse("Compass", events.ClassifierShown, found.shown))
