"""Compass's classifiers: made, trained, asked. Training is computed from the clock when it is read.

Rows for ``compass``; ``compass_messages`` asks :func:`classify` for the topics of a text.
"""

import re
from functools import partial
from typing import Any

from daemon.model import times
from daemon.sandbox import compass_instance, django, exchange

TYPES = ("voting", "topic_based", "sentiment_combined", "sentiment_split", "sentiment_wordlist")
STATUSES = ("active", "inactive")
HIDDEN = ("ready_at", "failure", "asked_status", "words")
UNCLASSIFIED = {"id": None, "name": "UNCLASSIFIED", "score": 0}
DEFAULT_THRESHOLD = 0.4  # of voting and topic-based classifiers (Compass text)
GLAD = {"good", "great", "love", "excellent", "nice", "happy", "superb", "like", "wonderful"}
SAD = {"bad", "poor", "hate", "terrible", "awful", "broken", "sad", "worst", "angry"}
_WORD = re.compile(r"[^\W\d_]{3,}")


def rows(instance: compass_instance.Instance) -> list[exchange.Row]:
    """The classifiers' part of the API; the text writes the topics' paths without their slash."""
    at = "/projects/{}/p/classifiers/"
    return [
        ("GET", at, partial(list_classifiers, instance)),
        ("POST", at, partial(create_classifier, instance)),
        ("GET", at + "{}/", partial(get_classifier, instance)),
        ("PUT", at + "{}/", partial(update_classifier, instance)),
        ("DELETE", at + "{}/", partial(delete_classifier, instance)),
        ("POST", at + "{}/topics/", partial(create_topic, instance)),
        ("POST", at + "{}/topics", partial(create_topic, instance)),
    ]


def shown(instance: compass_instance.Instance, kept: exchange.Record) -> exchange.Record:
    """The classifier as it is now: inactive while in training, whatever was asked (Compass text)."""
    told = {k: v for k, v in kept.items() if k not in HIDDEN}
    state = training_state(kept, instance.clock.now())
    told["training_state"] = state
    told["status"] = kept["asked_status"] if state == "ready" else "inactive"
    if state != "in_training":
        told["last_update"] = max(kept["last_update"], instance.stamp(kept["ready_at"]))
    if state == "error":
        told["info"] = {**kept["info"], "error": kept["failure"]}
    known = state == "ready" or kept["type"] == "topic_based"  # labels come of training, topics of people
    told["topics"] = kept["topics"] if known else []
    return told


def training_state(kept: exchange.Record, now: int) -> str:
    """``in_training`` until it is due, then ``ready`` or ``error``."""
    if now < kept["ready_at"]:
        return "in_training"
    return "error" if kept["failure"] else "ready"


def list_classifiers(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str
) -> exchange.Reply:
    """A page, filtered by ``name``."""
    project = instance.project(ask, project_id)
    kept = [c for c in project.classifiers.values() if ask.query.get("name") in (None, "", c["name"])]
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/classifiers/"
    return django.page(ask, kept, url, partial(shown, instance))


def get_classifier(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """One classifier."""
    project = instance.project(ask, project_id)
    return exchange.Reply(200, shown(instance, compass_instance.found(project.classifiers, number)))


def create_classifier(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str
) -> exchange.Reply:
    """Begins its training; the name is unique in the project."""
    project = instance.project(ask, project_id)
    body = ask.record()
    django.require(body, "name", "type", "status")
    django.check_text(body, "name")
    if body["type"] not in TYPES:
        raise django.invalid_choice("type", body["type"])
    _check(project, body, None)
    number = instance.next("classifier")
    kept = _new(instance, project, project_id, body, number)
    project.classifiers[number] = kept
    return exchange.Reply(201, shown(instance, kept), "classifier.created", str(number))


def update_classifier(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """``name status info``; nothing is trained again."""
    project = instance.project(ask, project_id)
    kept = compass_instance.found(project.classifiers, number)
    body = ask.record()
    django.check_text(body, "name")
    _check(project, body, kept)
    kept["name"] = body.get("name", kept["name"])
    kept["asked_status"] = body.get("status", kept["asked_status"])
    kept["info"] = {**kept["info"], **(body.get("info") or {})}
    kept["last_update"] = instance.stamp()
    return exchange.Reply(200, shown(instance, kept), "classifier.updated", number)


def delete_classifier(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """Gone."""
    project = instance.project(ask, project_id)
    compass_instance.found(project.classifiers, number)
    del project.classifiers[int(number)]
    return exchange.Reply(204, None, "classifier.deleted", number)


def create_topic(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """A topic of a topic-based classifier: ``name`` and a Boolean expression as ``info``."""
    project = instance.project(ask, project_id)
    kept = compass_instance.found(project.classifiers, number)
    body = ask.record()
    django.require(body, "name", "info")
    if kept["type"] != "topic_based":
        raise django.refuse(400, "Topics can only be added to topic-based classifiers.")
    check_clause(body["info"])
    if any(topic["title"] == body["name"] for topic in kept["topics"]):
        raise django.invalid(name="A topic with this name already exists.")
    topic = _topic(instance, project_id, str(body["name"]), body["info"])
    topic |= {"status": body.get("status", "active"), "blocking": django.truth(body.get("blocking"))}
    kept["topics"].append(topic)
    return exchange.Reply(201, topic, "topic.created", topic["url"].rstrip("/").rsplit("/", 1)[1])


def check_clause(clause: Any) -> None:
    """400 unless *clause* is words, AND OR NOT and parentheses: other punctuation is not allowed."""
    if not isinstance(clause, str) or not clause.strip() or re.search(r"[^\w\s()]", clause):
        raise django.invalid(info="A topic is words joined by AND, OR, NOT, without punctuation.")
    if clause.count("(") != clause.count(")"):
        raise django.invalid(info="Parentheses do not match.")


def check_topic(project: compass_instance.Project, body: exchange.Record, topic: exchange.Record) -> None:
    """400 for what a topic of a topic-based classifier cannot become: another's title, no expression."""
    if "info" in body:
        check_clause(body["info"])
    for kept in project.classifiers.values():
        others = [other["title"] for other in kept["topics"] if other is not topic]
        if topic in kept["topics"] and body.get("title") in others:
            raise django.invalid(title="A topic with this name already exists.")


def classify(
    instance: compass_instance.Instance, project: compass_instance.Project, text: str
) -> list[exchange.Record]:
    """What each active classifier that is ready says of *text*; UNCLASSIFIED where nothing is met."""
    topics = []
    for kept in project.classifiers.values():
        if shown(instance, kept)["status"] == "active":
            topics += [{**topic, "source": kept["name"]} for topic in _ranked(kept, text)]
    return topics


def _ranked(kept: exchange.Record, text: str) -> list[exchange.Record]:
    """The best topics first; made-up but steady scores: half, and more with each word shared."""
    words = words_of(text)
    info = kept["info"]
    threshold = info.get("threshold", info.get("combined_threshold", DEFAULT_THRESHOLD))
    scored = []
    for topic in kept["topics"]:
        shared = len(words & set(kept["words"].get(topic["title"], words_of(topic.get("info") or ""))))
        score = round(0.5 + 0.5 * shared / len(words), 3) if shared else 0.0
        if shared and score >= threshold:
            scored.append(
                {
                    "id": int(topic["url"].rstrip("/").rsplit("/", 1)[1]),
                    "name": topic["title"],
                    "score": score,
                }
            )
    scored.sort(key=lambda topic: (-float(topic["score"]), str(topic["name"])))
    most = info.get("num_topics", 1)
    return (scored if most == "ALL" else scored[:most]) or [dict(UNCLASSIFIED)]


def words_of(text: str) -> set[str]:
    """The words of three letters and more, in lower case."""
    return {word.lower() for word in _WORD.findall(text)}


def _new(
    instance: compass_instance.Instance,
    project: compass_instance.Project,
    project_id: str,
    body: exchange.Record,
    number: int,
) -> exchange.Record:
    info = body.get("info") or {}
    words = _words(project, body["type"], info)
    clauses = {t["title"]: t["clause"] for t in info.get("topics", []) if body["type"] == "topic_based"}
    topics = [_topic(instance, project_id, name, clauses.get(name)) for name in sorted({*words, *clauses})]
    failure = instance.failure
    if body["type"] == "voting" and not topics:
        failure = failure or "No labeled documents were found to train on."
    at = instance.clock.now()
    return {
        "url": f"{compass_instance.PUBLIC}/projects/{project_id}/p/classifiers/{number}/",
        "name": body["name"],
        "type": body["type"],
        "asked_status": body["status"],
        "topics": topics,
        "words": {name: sorted(found) for name, found in words.items()},
        "info": info if body["type"].startswith("sentiment") else {"num_topics": 1, "threshold": 0.4, **info},
        "created": instance.stamp(),
        "last_update": instance.stamp(),
        "ready_at": at
        + (instance.training if body["type"] == "voting" else min(instance.training, times.SECOND)),
        "failure": failure,
    }


def _words(project: compass_instance.Project, kind: str, info: exchange.Record) -> dict[str, set[str]]:
    """The words that speak for each label: of its documents, or of the built-in lists for sentiment."""
    if kind.startswith("sentiment"):
        return {"positive": GLAD, "negative": SAD}
    words: dict[str, set[str]] = {}
    if kind == "voting":
        for document in project.documents:
            if document["label"] and info.get("dataset") in (None, document["dataset"]):
                words.setdefault(document["label"], set()).update(words_of(document["text"]))
    return words


def _topic(instance: compass_instance.Instance, project_id: str, title: str, info: Any) -> exchange.Record:
    number = instance.next("topic")
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/topics/{number}/"
    return {"url": url, "title": title, "status": "active", "blocking": False, "info": info}


def _check(project: compass_instance.Project, body: exchange.Record, mine: exchange.Record | None) -> None:
    if body.get("status", "active") not in STATUSES:
        raise django.invalid_choice("status", body["status"])
    if any(kept["name"] == body.get("name") and kept is not mine for kept in project.classifiers.values()):
        raise django.invalid(name="classifier with this name already exists.")
    info = body.get("info")
    if info is not None and not isinstance(info, dict):
        raise django.invalid(info="Expected a dictionary.")
    threshold = (info or {}).get("threshold", DEFAULT_THRESHOLD)
    if not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise django.invalid(info="threshold must be a number between 0 and 1.")
    most = (info or {}).get("num_topics", 1)
    if most != "ALL" and (not isinstance(most, int) or most < 1):
        raise django.invalid(info='num_topics must be a positive integer or "ALL".')
    if (mine or body).get("type") == "topic_based":
        for topic in (info or {}).get("topics", []):
            if not isinstance(topic, dict) or not isinstance(topic.get("title"), str):
                raise django.invalid(info="Each topic needs a title and a clause.")
            check_clause(topic.get("clause"))
