"""Compass's messages: classified, with or without being kept; and the counts of what was kept.

Rows for ``compass``.
"""

from functools import partial
from typing import Any

from daemon.model import times
from daemon.sandbox import compass_classifiers, compass_instance, django, exchange

SPAN = 300  # seconds in a bucket of statistics, and
BUCKETS = 120  # how many of them, unless asked otherwise (Compass text)
MAX_BUCKETS = 10_000


def rows(instance: compass_instance.Instance) -> list[exchange.Row]:
    """Classify, messages, statistics, usage."""
    at = "/projects/{}/p/"
    return [
        ("POST", at + "classify/", partial(classify, instance)),
        ("GET", at + "messages/", partial(list_messages, instance)),
        ("POST", at + "messages/", partial(post_messages, instance)),
        ("GET", at + "messages/{}/", partial(get_message, instance)),
        ("DELETE", at + "messages/{}/", partial(delete_message, instance)),
        ("DELETE", at + "purge/", partial(purge, instance)),
        ("GET", at + "stats/", partial(get_stats, instance)),
        ("GET", at + "usage/", partial(list_usage, instance)),
        ("GET", at + "usage/{}/", partial(get_usage, instance)),
    ]


def shown(message: exchange.Record) -> exchange.Record:
    """A message without what the sandbox keeps for itself."""
    return {k: v for k, v in message.items() if k not in ("number", "at")}


def classify(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """Topics of one text or of a list of them (the vendor's own scripts send lists); nothing is kept."""
    project = instance.project(ask, project_id)
    given = compass_instance.items(ask)
    for body in given:
        django.require(body, "text")
        django.check_text(body, "text", "source_id")
    told = [shown(_message(instance, project, project_id, body, None)) for body in given]
    return exchange.Reply(200, told if isinstance(ask.body, list) else told[0])


def post_messages(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """One or a list, all or none, kept and classified; ``replace`` takes the place of those that the
    query's filters match."""
    project = instance.project(ask, project_id)
    given = compass_instance.items(ask)
    for body in given:
        django.require(body, "text", "timestamp")
        django.check_text(body, "text", "source_id", "language")
        compass_instance.parse_time(body["timestamp"], "timestamp")
        if body.get("language") not in (None, project.about["language"]):
            raise django.invalid(language="All messages of a project must have its language.")
    if project.about["status"] != "active":
        raise django.refuse(400, "This project is inactive and does not process new messages.")
    if django.truth(ask.query.get("replace")):
        for message in matching(instance, ask, project):
            del project.messages[message["number"]]
    made = [_message(instance, project, project_id, body, instance.next("message")) for body in given]
    project.messages.update({message["number"]: message for message in made})
    project.posted += [instance.clock.now()] * len(made)
    told = [shown(message) for message in made]
    ids = ",".join(str(message["number"]) for message in made)
    return exchange.Reply(201, told if isinstance(ask.body, list) else told[0], "messages.added", ids)


def list_messages(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """A page in the instance's order, filtered by ``earliest latest older_than_id newer_than_id``."""
    project = instance.project(ask, project_id)
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/messages/"
    return django.page(ask, matching(instance, ask, project), url, shown)


def get_message(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """One message."""
    return exchange.Reply(
        200, shown(compass_instance.found(instance.project(ask, project_id).messages, number))
    )


def delete_message(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """Gone."""
    project = instance.project(ask, project_id)
    compass_instance.found(project.messages, number)
    del project.messages[int(number)]
    return exchange.Reply(204, None, "message.deleted", number)


def purge(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """All messages before ``to_date``. (Not in the text; a vendor's script uses it.)"""
    project = instance.project(ask, project_id)
    before = compass_instance.time_argument(ask, "to_date")
    if before is None:
        raise django.invalid(to_date=django.REQUIRED)
    project.messages = {n: m for n, m in project.messages.items() if m["at"] >= before}
    return exchange.Reply(204, None, "messages.purged", project_id)


def get_stats(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """How many messages, how fast, and in buckets up to ``at_time``."""
    project = instance.project(ask, project_id)
    since = compass_instance.parse_time(project.about["created"], "created")
    return exchange.Reply(200, statistics(instance, ask, list(project.messages.values()), since))


def statistics(
    instance: compass_instance.Instance, ask: exchange.Ask, messages: list[exchange.Record], since: int
) -> exchange.Record:
    """``measurements`` and ``time_buckets`` of *messages*, by their own timestamps; buckets that lie before *since*
    and hold nothing do not exist, and are null."""
    span = exchange.whole(ask.query.get("interval", str(SPAN)).removesuffix(".0"), 0)
    number = exchange.whole(ask.query.get("num_buckets", BUCKETS), 0)
    if span < 1 or not 1 <= number <= MAX_BUCKETS:
        raise django.invalid(interval="interval and num_buckets must be positive.")
    end = compass_instance.time_argument(ask, "at_time") or instance.clock.now()
    start = end - span * number * times.SECOND
    buckets = _buckets(messages, start, span * times.SECOND, number)
    there = [bool(b) or start + (n + 1) * span * times.SECOND > since for n, b in enumerate(buckets)]
    last, before = (_within(messages, end - n * times.HOUR, end - (n - 1) * times.HOUR) for n in (1, 2))
    return {
        "measurements": {"count": len(messages), "velocity": last, "acceleration": last - before},
        "time_buckets": {
            "start_time": instance.stamp(start),
            "end_time": instance.stamp(end),
            "interval": span,
            "counts": [len(b) if known else None for b, known in zip(buckets, there, strict=True)],
            "sentiment_counts": [
                _feelings(b) if known else None for b, known in zip(buckets, there, strict=True)
            ],
        },
    }


def list_usage(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """A plain list of months, not a page; days run from noon to noon (Compass text). Filtered by ``source``,
    ``earliest`` and ``latest``."""
    months: dict[str, exchange.Record] = {}
    for day in _days(instance, ask, project_id):
        start = times.to_datetime(compass_instance.parse_time(day["start_time"], "start_time"))
        first = start.replace(day=1).isoformat()
        month = months.setdefault(
            first, {"start_time": first, "month_name": f"{start:%B}", "total_counts": {"api": 0}, "days": []}
        )
        month["total_counts"]["api"] += day["count"]
        month["days"].append(day)
    return exchange.Reply(200, list(months.values()))


def get_usage(
    instance: compass_instance.Instance, ask: exchange.Ask, project_id: str, number: str
) -> exchange.Reply:
    """One day's usage."""
    for day in _days(instance, ask, project_id):
        if day["url"].endswith(f"/usage/{number}/"):
            return exchange.Reply(200, day)
    raise django.refuse(404)


def _days(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> list[exchange.Record]:
    """The days on which messages came through this API, the only source here, within the query's bounds."""
    project = instance.project(ask, project_id)
    earliest = compass_instance.time_argument(ask, "earliest")
    latest = compass_instance.time_argument(ask, "latest")
    if ask.query.get("source") not in (None, "", "api"):
        return []
    days: dict[str, exchange.Record] = {}
    for posted_at in project.posted:
        start = times.to_datetime(posted_at - 12 * times.HOUR).replace(
            hour=12, minute=0, second=0, microsecond=0
        )
        at = times.from_datetime(start)
        if (earliest is not None and at < earliest) or (latest is not None and at > latest):
            continue
        url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/usage/{start:%Y%m%d}/"
        new = {"url": url, "source": "api", "start_time": start.isoformat(), "count": 0}
        days.setdefault(url, new)["count"] += 1
    return list(days.values())


def _buckets(
    messages: list[exchange.Record], start: int, span: int, number: int
) -> list[list[exchange.Record]]:
    """*messages* by time: *number* buckets of *span* microseconds from *start* on."""
    buckets: list[list[exchange.Record]] = [[] for _ in range(number)]
    for message in messages:
        if start <= message["at"] < start + span * number:
            buckets[(message["at"] - start) // span].append(message)
    return buckets


def _feelings(messages: list[exchange.Record]) -> dict[str, float]:
    feelings = {"negative": 0.0, "neutral": 0.0, "positive": 0.0}
    for message in messages:
        feelings[_feeling(message["sentiment"])] += message["weight"]
    return feelings


def _within(messages: list[exchange.Record], start: int, end: int) -> int:
    return sum(1 for message in messages if start <= message["at"] < end)


def _feeling(sentiment: float) -> str:
    if sentiment > 0:
        return "positive"
    return "negative" if sentiment < 0 else "neutral"


def matching(
    instance: compass_instance.Instance, ask: exchange.Ask, project: compass_instance.Project
) -> list[exchange.Record]:
    """The project's messages that the query's filters match, in the instance's order."""
    earliest = compass_instance.time_argument(ask, "earliest")
    latest = compass_instance.time_argument(ask, "latest")
    older = exchange.whole(ask.query.get("older_than_id"), 0)
    newer = exchange.whole(ask.query.get("newer_than_id"), 0)
    return [
        message
        for message in instance.ordered(project.messages.values())
        if (earliest is None or message["at"] >= earliest)
        and (latest is None or message["at"] <= latest)
        and (not older or message["number"] < older)
        and message["number"] > newer
    ]


def _message(
    instance: compass_instance.Instance,
    project: compass_instance.Project,
    project_id: str,
    body: exchange.Record,
    number: int | None,
) -> exchange.Record:
    text = str(body["text"])
    words = compass_classifiers.words_of(text)
    glad, sad = len(words & compass_classifiers.GLAD), len(words & compass_classifiers.SAD)
    written: Any = body.get("timestamp")
    at = instance.clock.now() if written is None else compass_instance.parse_time(written, "timestamp")
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/messages/{number}/" if number else None
    return {
        "number": number,
        "at": at,
        "url": url,
        "text": text,
        "language": body.get("language") or project.about["language"],
        "source_id": body.get("source_id"),
        "timestamp": instance.stamp(at),
        "blocked": False,
        "weight": 1.0,
        "info": body.get("info") or {},
        "sentiment": round((glad - sad) / max(1, glad + sad), 3),
        "topics": compass_classifiers.classify(instance, project, text),
    }
