"""What Compass can tell: its objects and the data of its events, each with an example. Pure.

``classifiers``, ``topics``, ``messages`` and ``stats`` beside this file compare what is found with what is
remembered; ``checking`` and ``reference`` read the schemas. Field names are the Compass API text's.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from daemon.contract import declare
from daemon.model.jsons import JsonObject

PROJECT = "https://compass.example/api/projects/ab12cd34/"


def id_of(url: str) -> str:
    """The last part of *url*'s path: "digit" in the Compass API text means that part whole."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2]


class ClassifierShown(BaseModel):
    """A classifier, as events and results show it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="Its id: the last part of its `url`.")
    url: str = Field(description="Its address.")
    name: str | None = Field(None, description="Its name, unique in the project.")
    type: str | None = Field(None, description="`voting`, `topic_based`, or a `sentiment_…`.")
    status: str = Field("", description="`active` or `inactive`.")
    training_state: str = Field("", description="`in_training`, `ready` or `error`.")
    topics: list[Any] | None = Field(None, description="Its topics.")
    info: Any = Field(None, description="What it was made with; after a failure, what went wrong.")
    created: str | None = Field(None, description="When it was made, ISO 8601.")
    last_update: str | None = Field(None, description="When it last changed, ISO 8601.")


class States(BaseModel):
    """The two states of a classifier."""

    training_state: str = Field(description="`in_training`, `ready` or `error`.")
    status: str = Field(description="`active` or `inactive`.")


def _classifier(
    training_state: str, status: str, previous: JsonObject | None, error: str | None = None
) -> JsonObject:
    return {
        "classifier": {
            "id": "7",
            "url": f"{PROJECT}p/classifiers/7/",
            "name": "triage",
            "type": "voting",
            "status": status,
            "training_state": training_state,
            "topics": [],
            "info": {"num_topics": 1, "threshold": 0.4, "dataset": "set-1"},
        },
        "project_id": "ab12cd34",
        "training_state": training_state,
        "status": status,
        "previous": previous,
        "error": error,
    }


_TRAINING = {"training_state": "in_training", "status": "inactive"}


class ClassifierEvent(declare.EventData):
    """Something about a classifier."""

    subject: ClassVar[str] = "classifier id"
    classifier: ClassifierShown = Field(description="The classifier; when it was removed, as last seen.")
    project_id: str = Field(description="The project it belongs to.")
    training_state: str = Field(description="Its training state now.")
    status: str = Field(description="Its status now.")
    previous: States | None = Field(None, description="Both states before; null when it is new.")
    error: str | None = Field(None, description="What went wrong in its training.")


class ClassifierAdded(ClassifierEvent):
    """There is a new classifier. What its states are is told beside it."""

    type: ClassVar[str] = "compass.classifier.added"
    example: ClassVar[JsonObject] = _classifier("in_training", "inactive", None)


class ClassifierStatusChanged(ClassifierEvent):
    """A classifier changed its status or training state in a way that has no event of its own."""

    type: ClassVar[str] = "compass.classifier.status_changed"
    example: ClassVar[JsonObject] = _classifier(
        "ready", "inactive", {"training_state": "ready", "status": "active"}
    )


class ClassifierTraining(ClassifierEvent):
    """A classifier began to train."""

    type: ClassVar[str] = "compass.classifier.training"
    example: ClassVar[JsonObject] = _classifier("in_training", "inactive", None)


class ClassifierReady(ClassifierEvent):
    """A classifier is trained and active (or trained, if it was made to be inactive)."""

    type: ClassVar[str] = "compass.classifier.ready"
    example: ClassVar[JsonObject] = _classifier("ready", "active", _TRAINING)


class ClassifierFailed(ClassifierEvent):
    """A classifier's training failed."""

    type: ClassVar[str] = "compass.classifier.failed"
    example: ClassVar[JsonObject] = _classifier(
        "error", "inactive", _TRAINING, "No labeled documents were found."
    )


class ClassifierRemoved(ClassifierEvent):
    """A classifier is gone."""

    type: ClassVar[str] = "compass.classifier.removed"
    example: ClassVar[JsonObject] = _classifier(
        "ready", "active", {"training_state": "ready", "status": "active"}
    )


class TopicShown(BaseModel):
    """A topic, as events show it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="Its id: the last part of its `url`.")
    url: str = Field(description="Its address.")
    title: str | None = Field(None, description="Its title.")
    status: str | None = Field(
        None, description="`active`, `inactive` or `pending`; pending ones go at the next clustering."
    )
    blocking: bool | None = Field(None, description="Whether its messages are kept out of other topics.")
    created: str | None = Field(None, description="When it was made, ISO 8601.")
    info: Any = Field(None, description="What defines it.")
    messages_url: str | None = Field(None, description="The address of its messages.")


_TOPIC = {
    "id": "12",
    "url": f"{PROJECT}p/topics/12/",
    "title": "prices",
    "status": "active",
    "blocking": False,
    "created": "2018-03-01T09:00:00.5+00:00",
    "info": {"terms": {"price": 1.0, "expensive": 0.8}},
    "messages_url": f"{PROJECT}p/topics/12/messages/",
}


class TopicEvent(declare.EventData):
    """Something about a project topic."""

    subject: ClassVar[str] = "topic id"
    example: ClassVar[JsonObject] = {"topic": _TOPIC, "project_id": "ab12cd34", "previous": None}
    topic: TopicShown = Field(description="The topic, without its counts; when it was removed, as last seen.")
    project_id: str = Field(description="The project it belongs to.")
    previous: TopicShown | None = Field(None, description="The topic as it was before; null when it is new.")


class TopicAdded(TopicEvent):
    """There is a new topic, made by somebody or by clustering."""

    type: ClassVar[str] = "compass.topic.added"


class TopicChanged(TopicEvent):
    """A topic's title, status, blocking or definition changed. That its messages become more does not count."""

    type: ClassVar[str] = "compass.topic.changed"
    example: ClassVar[JsonObject] = {
        "topic": _TOPIC,
        "project_id": "ab12cd34",
        "previous": {**_TOPIC, "status": "pending"},
    }


class TopicRemoved(TopicEvent):
    """A topic is gone: deleted, or pending at the next clustering."""

    type: ClassVar[str] = "compass.topic.removed"
    example: ClassVar[JsonObject] = {"topic": _TOPIC, "project_id": "ab12cd34", "previous": _TOPIC}


class MessageTopic(BaseModel):
    """A topic that a classifier gave a message."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: Any = Field(None, description="The topic's id in its classifier.")
    source: str | None = Field(None, description="The name of the classifier.")
    name: str | None = Field(None, description="The label, or `UNCLASSIFIED`.")
    score: float | None = Field(None, description="How strong the match is, 0 to 1; 0 for `UNCLASSIFIED`.")


class MessageShown(BaseModel):
    """A message, as events show it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="Its id: the last part of its `url`.")
    url: str = Field(description="Its address.")
    text: str | None = Field(None, description="Its text.")
    language: str | None = Field(None, description="Its language, two letters.")
    source_id: str | int | None = Field(None, description="The id that its sender gave it.")
    timestamp: str | float | None = Field(None, description="When it was written, ISO 8601.")
    blocked: bool | None = Field(None, description="Whether it belongs to a blocking topic.")
    weight: float | None = Field(None, description="Its weight, as the service gives it.")
    info: Any = Field(None, description="What its sender put with it.")
    sentiment: float | None = Field(None, description="The feeling in it: above 0 good, below 0 bad.")
    topics: list[MessageTopic] | None = Field(None, description="What the active classifiers say of it.")


class MessageAdded(declare.EventData):
    """A message was added to a project."""

    type: ClassVar[str] = "compass.message.added"
    subject: ClassVar[str] = "message id"
    example: ClassVar[JsonObject] = {
        "message": {
            "id": "41",
            "url": f"{PROJECT}p/messages/41/",
            "text": "The soup was cold.",
            "language": "en",
            "source_id": "note-17",
            "timestamp": "2018-03-01T09:00:00+00:00",
            "blocked": False,
            "weight": 1.0,
            "info": {},
            "sentiment": -0.4,
            "topics": [{"id": 3, "source": "triage", "name": "food", "score": 0.71}],
        },
        "project_id": "ab12cd34",
    }
    message: MessageShown = Field(description="The message.")
    project_id: str = Field(description="The project it belongs to.")


class Measurements(BaseModel):
    """How many messages, and how fast they come."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    count: int | float | None = Field(None, description="All messages.")
    velocity: int | float | None = Field(None, description="Messages an hour.")
    acceleration: int | float | None = Field(
        None, description="By how much that changes, messages an hour an hour."
    )


class TimeBuckets(BaseModel):
    """Messages by time."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    start_time: str | None = Field(None, description="When the first bucket begins, ISO 8601.")
    end_time: str | None = Field(None, description="When the last one ends, ISO 8601.")
    interval: int | float | None = Field(None, description="Seconds in each.")
    counts: list[Any] | None = Field(
        None, description="Messages in each, the earliest first; null where there was none yet."
    )
    sentiment_counts: list[Any] | None = Field(
        None, description="The weight of `negative`, `neutral` and `positive` messages in each."
    )


class StatsSampled(declare.EventData):
    """A project's counts are other than when they were last told."""

    type: ClassVar[str] = "compass.stats.sampled"
    subject: ClassVar[str] = "project id"
    example: ClassVar[JsonObject] = {
        "measurements": {"count": 1204, "velocity": 12.0, "acceleration": 3.0},
        "previous": {"count": 1200, "velocity": 9.0, "acceleration": 0.0},
        "time_buckets": {
            "start_time": "2018-03-01T08:50:00+00:00",
            "end_time": "2018-03-01T09:00:00+00:00",
            "interval": 300,
            "counts": [3, 1],
            "sentiment_counts": [
                {"negative": 1.0, "neutral": 2.0, "positive": 0},
                {"negative": 0, "neutral": 0, "positive": 1.0},
            ],
        },
    }
    measurements: Measurements = Field(description="The counts now.")
    previous: Measurements | None = Field(None, description="The counts told before; null: none were.")
    time_buckets: TimeBuckets | None = Field(None, description="Messages by time.")


CLASSIFIERS: tuple[type[ClassifierEvent], ...] = (
    ClassifierAdded,
    ClassifierStatusChanged,
    ClassifierTraining,
    ClassifierReady,
    ClassifierFailed,
    ClassifierRemoved,
)
TOPICS: tuple[type[TopicEvent], ...] = (TopicAdded, TopicChanged, TopicRemoved)
ALL: tuple[type[declare.EventData], ...] = (*CLASSIFIERS, *TOPICS, MessageAdded, StatsSampled)
