"""Compass's project topics, their history, and the project's configuration. Rows for ``compass``."""

from functools import partial

from daemon.sandbox import compass_classifiers, compass_instance, compass_messages, django, exchange

STATUSES = ("active", "inactive", "pending")
DEFAULTS = {  # the names are the text's, the values our own
    "assoc_axes": 150,
    "assoc_min_tokens": 10_000,
    "assoc_max_tokens": 1_000_000,
    "assoc_min_messages": 500,
    "partition_min_messages": 500,
    "partition_max_messages": 50_000,
    "number_of_clusters": 30,
    "number_of_discardable_clusters": 10,
    "partition_min_lifetime": 86_400,
    "assoc_do_not_build_within": 3_600,
    "assoc_force_build_after": 604_800,
    "partition_do_not_build_within": 3_600,
    "partition_force_build_after": 86_400,
    "sentiment_threshold": 0.4,
    "labels_for_clustering": [],
}


def rows(instance: compass_instance.Instance) -> list[exchange.Row]:
    """Topics and configuration; the text writes PUT and DELETE of a topic without their slash."""
    at = "/projects/{}/p/"
    return [
        ("GET", at + "topics/", partial(list_topics, instance)),
        ("POST", at + "topics/", partial(create_topic, instance)),
        ("GET", at + "topics/{}/", partial(get_topic, instance)),
        ("PUT", at + "topics/{}/", partial(update_topic, instance)),
        ("PUT", at + "topics/{}", partial(update_topic, instance)),
        ("DELETE", at + "topics/{}/", partial(delete_topic, instance)),
        ("DELETE", at + "topics/{}", partial(delete_topic, instance)),
        ("GET", at + "topics/{}/messages/", partial(list_topic_messages, instance)),
        ("GET", at + "topics_history/", partial(list_history, instance)),
        ("GET", at + "config/", partial(list_config, instance)),
        ("GET", at + "config/{}/", partial(get_config, instance)),
        ("PUT", at + "config/{}/", partial(set_config, instance)),
        ("DELETE", at + "config/{}/", partial(unset_config, instance)),
    ]


def create_topic(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """``title`` and weighted terms: ``info = {"terms": {"word": 1.0}}``."""
    project = instance.project(ask, project_id)
    body = ask.record()
    django.require(body, "title", "info")
    django.check_text(body, "title")
    _check(body)
    number = instance.next("topic")
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/topics/{number}/"
    topic = {
        "url": url,
        "title": body["title"],
        "status": body.get("status", "active"),
        "blocking": django.truth(body.get("blocking")),
        "created": instance.stamp(),
        "info": body["info"],
        "clusters": [],
        "measurements": {},
        "messages_url": f"{url}messages/",
    }
    project.topics[number] = topic
    return exchange.Reply(201, topic, "topic.created", str(number))


def list_topics(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """A page, filtered by ``status`` and ``blocking``, with statistics when ``stats`` is true."""
    project = instance.project(ask, project_id)
    topics = _filtered(ask, list(project.topics.values()))
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/topics/"
    return django.page(ask, topics, url, lambda topic: _told(instance, ask, project, topic))


def get_topic(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """One topic."""
    project = instance.project(ask, project_id)
    return exchange.Reply(200, _told(instance, ask, project, compass_instance.found(project.topics, number)))


def update_topic(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """A project topic, or a topic of a topic-based classifier, whose ``info`` is an expression."""
    project = instance.project(ask, project_id)
    body = ask.record()
    django.check_text(body, "title")
    clause = _clause_topic(project, number)
    topic = clause or compass_instance.found(project.topics, number)
    if clause is None:
        _check(body)
    else:
        compass_classifiers.check_topic(project, body, topic)
    topic.update({name: body[name] for name in ("title", "status", "info") if name in body})
    if "blocking" in body:
        topic["blocking"] = django.truth(body["blocking"])
    return exchange.Reply(200, topic, "topic.updated", number)


def delete_topic(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """Gone from the project or its classifier; a project topic stays in the history."""
    project = instance.project(ask, project_id)
    clause = _clause_topic(project, number)
    if clause is not None:
        for kept in project.classifiers.values():
            kept["topics"] = [topic for topic in kept["topics"] if topic is not clause]
    else:
        topic = compass_instance.found(project.topics, number)
        project.ended_topics.append({**topic, "status": "inactive", "ended": instance.stamp()})
        del project.topics[int(number)]
    return exchange.Reply(204, None, "topic.deleted", number)


def list_topic_messages(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """The messages with one of the topic's words, each with its ``centrality``; ``outliers`` too, if asked for:
    those with none of any topic's words."""
    project = instance.project(ask, project_id)
    topic = compass_instance.found(project.topics, number)
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/topics/{number}/messages/"
    central = {m["number"] for m in _messages(project, topic)}
    near = {m["number"] for other in project.topics.values() for m in _messages(project, other)}
    far = set(project.messages) - near if django.truth(ask.query.get("outliers")) else set()
    found = [
        {**compass_messages.shown(m), "centrality": 1.0 if m["number"] in central else -0.5}
        for m in compass_messages.matching(instance, ask, project)
        if m["number"] in central | far
    ]
    return django.page(ask, found, url)


def list_history(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """All topics there ever were, newest first, filtered as topics are and by when they were created and ended."""
    project = instance.project(ask, project_id)
    topics = sorted([*project.ended_topics, *project.topics.values()], key=_created, reverse=True)
    kept = [
        topic
        for topic in _filtered(ask, topics)
        if _is_within(ask, "created", _created(topic)) and _is_within(ask, "ended", _ended(topic))
    ]
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/topics_history/"
    return django.page(ask, kept, url, lambda topic: _told(instance, ask, project, topic))


def list_config(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """All keys with their defaults, and those that were set."""
    project = instance.project(ask, project_id)
    default = [{"key": key, "value": value} for key, value in DEFAULTS.items()]
    overridden = [{"key": key, "value": value} for key, value in project.config.items()]
    return exchange.Reply(200, {"default": default, "overridden": overridden})


def get_config(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, key: str
) -> exchange.Reply:
    """One key's value, set or default."""
    project = instance.project(ask, project_id)
    _known(key)
    return exchange.Reply(200, {"key": key, "value": project.config.get(key, DEFAULTS[key])})


def set_config(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, key: str
) -> exchange.Reply:
    """``value`` is kept for the key."""
    project = instance.project(ask, project_id)
    _known(key)
    django.require(ask.record(), "value")
    project.config[key] = ask.record()["value"]
    return exchange.Reply(200, {"key": key, "value": project.config[key]}, "config.set", key)


def unset_config(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, key: str
) -> exchange.Reply:
    """The default holds again."""
    project = instance.project(ask, project_id)
    _known(key)
    project.config.pop(key, None)
    return exchange.Reply(204, None, "config.unset", key)


def _known(key: str) -> None:
    if key not in DEFAULTS:
        raise django.refuse(404)


def _created(topic: exchange.Record) -> int:
    return compass_instance.parse_time(topic["created"], "created")


def _ended(topic: exchange.Record) -> int | None:
    return compass_instance.parse_time(topic["ended"], "ended") if "ended" in topic else None


def _is_within(ask: exchange.Ask, what: str, at: int | None) -> bool:
    """Whether *at* is between ``earliest_…`` and ``latest_…``; what has not happened is within no bounds."""
    earliest = compass_instance.time_argument(ask, f"earliest_{what}")
    latest = compass_instance.time_argument(ask, f"latest_{what}")
    if at is None:
        return earliest is None and latest is None
    return (earliest is None or at >= earliest) and (latest is None or at <= latest)


def _filtered(ask: exchange.Ask, topics: list[exchange.Record]) -> list[exchange.Record]:
    topics = [t for t in topics if ask.query.get("status") in (None, "", t["status"])]
    if ask.query.get("blocking"):
        topics = [t for t in topics if t["blocking"] == django.truth(ask.query["blocking"])]
    return topics


def _clause_topic(project: compass_instance.Project, number: str) -> exchange.Record | None:
    for kept in project.classifiers.values():
        for topic in kept["topics"]:
            if kept["type"] == "topic_based" and topic["url"].endswith(f"/topics/{number}/"):
                found: exchange.Record = topic
                return found
    return None


def _messages(project: compass_instance.Project, topic: exchange.Record) -> list[exchange.Record]:
    terms = {term.lower() for term in (topic["info"] or {}).get("terms", {})}
    return [m for m in project.messages.values() if terms & compass_classifiers.words_of(m["text"])]


def _told(
    instance: compass_instance.Instance,
    ask: exchange.Ask,
    project: compass_instance.Project,
    topic: exchange.Record,
) -> exchange.Record:
    told = {name: value for name, value in topic.items() if name != "ended"}
    if not django.truth(ask.query.get("stats")):
        return told
    since = compass_instance.parse_time(topic["created"], "created")
    return {**told, **compass_messages.statistics(instance, ask, _messages(project, topic), since)}


def _check(body: exchange.Record) -> None:
    if body.get("status", "active") not in STATUSES:
        raise django.invalid_choice("status", body["status"])
    if "info" not in body:
        return
    terms = body["info"].get("terms") if isinstance(body["info"], dict) else None
    if not isinstance(terms, dict) or not all(
        isinstance(weight, int | float) and 0 <= weight <= 1 for weight in terms.values()
    ):
        raise django.invalid(info='Expected {"terms": {"a term": a weight from 0 to 1}}.')
