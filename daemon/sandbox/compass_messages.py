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
        for message in _matching(ask, project):
            del project.messages[message["number"]]
    made = [_message(instance, project, project_id, body, instance.next("message")) for body in given]
    project.messages.update({message["number"]: message for message in made})
    project.posted += [instance.clock.now()] * len(made)
    told = [shown(message) for message in made]
    ids = ",".join(str(message["number"]) for message in made)
    return exchange.Reply(201, told if isinstance(ask.body, list) else told[0], "messages.added", ids)


def list_messages(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """A page, newest id first, filtered by ``earliest latest older_than_id newer_than_id``."""
    project = instance.project(ask, project_id)
    url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/messages/"
    return django.page(ask, _matching(ask, project), url, shown)


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
    return exchange.Reply(200, statistics(instance, ask, list(project.messages.values())))


def statistics(
    instance: compass_instance.Instance, ask: exchange.Ask, messages: list[exchange.Record]
) -> exchange.Record:
    """``measurements`` and ``time_buckets`` of *messages*, by their own timestamps."""
    span = exchange.whole(ask.query.get("interval", SPAN), 0)
    number = exchange.whole(ask.query.get("num_buckets", BUCKETS), 0)
    if span < 1 or not 1 <= number <= MAX_BUCKETS:
        raise django.invalid(interval="interval and num_buckets must be positive.")
    end = compass_instance.time_argument(ask, "at_time") or instance.clock.now()
    start = end - span * number * times.SECOND
    counts = [0] * number
    feelings = [{"negative": 0, "neutral": 0, "positive": 0} for _ in range(number)]
    for message in messages:
        if start <= message["at"] < end:
            bucket = (message["at"] - start) // (span * times.SECOND)
            counts[bucket] += 1
            feelings[bucket][_feeling(message["sentiment"])] += 1
    last, before = (_within(messages, end - n * times.HOUR, end - (n - 1) * times.HOUR) for n in (1, 2))
    return {
        "measurements": {"count": len(messages), "velocity": last, "acceleration": last - before},
        "time_buckets": {
            "start_time": instance.stamp(start),
            "end_time": instance.stamp(end),
            "interval": span,
            "counts": counts,
            "sentiment_counts": feelings,
        },
    }


def list_usage(instance: compass_instance.Instance, ask: exchange.Ask, project_id: str) -> exchange.Reply:
    """A plain list of months, not a page; days run from noon to noon (Compass text)."""
    project = instance.project(ask, project_id)
    months: dict[str, exchange.Record] = {}
    for posted_at in project.posted:
        day = times.to_datetime(posted_at - 12 * times.HOUR)
        first = day.replace(day=1, hour=12, minute=0, second=0, microsecond=0).isoformat()
        month = months.setdefault(
            first, {"start_time": first, "month_name": f"{day:%B}", "total_counts": {"api": 0}, "days": []}
        )
        month["total_counts"]["api"] += 1
        noon = day.replace(hour=12, minute=0, second=0, microsecond=0).isoformat()
        if not month["days"] or month["days"][-1]["start_time"] != noon:
            url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/usage/{day:%Y%m%d}/"
            month["days"].append({"url": url, "source": "api", "start_time": noon, "count": 0})
        month["days"][-1]["count"] += 1
    return exchange.Reply(200, list(months.values()))


def _within(messages: list[exchange.Record], start: int, end: int) -> int:
    return sum(1 for message in messages if start <= message["at"] < end)


def _feeling(sentiment: float) -> str:
    if sentiment > 0:
        return "positive"
    return "negative" if sentiment < 0 else "neutral"


def _matching(ask: exchange.Ask, project: compass_instance.Project) -> list[exchange.Record]:
    earliest = compass_instance.time_argument(ask, "earliest")
    latest = compass_instance.time_argument(ask, "latest")
    older = exchange.whole(ask.query.get("older_than_id"), 0)
    newer = exchange.whole(ask.query.get("newer_than_id"), 0)
    return [
        message
        for message in reversed(project.messages.values())
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
