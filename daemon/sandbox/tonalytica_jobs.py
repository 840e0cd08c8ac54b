"""Running a query: parameters, the cache, the lock by text, jobs and their results.

Rows for ``tonalytica``. A job's status is computed from the clock: 1 pending, 2 started, 3 success,
4 failure (a cancelled one too); :func:`settle` writes the results of what has ended meanwhile.
"""

import csv
import io
import re
import uuid
from functools import partial
from typing import Any

from daemon.model import times
from daemon.sandbox import exchange, tonalytica_instance, tonalytica_parameters

CANCELLED = "Query cancelled by user."
NO_RESULT = "No cached result found for this query."
FINISHED_LIFE = 12 * times.HOUR
FAILED_LIFE = 7 * times.DAY
LOCK_LIFE = 12 * times.HOUR  # how long a version 9 hands back a job that was cancelled in the queue
NEVER = 2**62
_RESULT = re.compile(r"(\d+)(?:\.(\w+))?")


def rows(instance: tonalytica_instance.Instance) -> list[exchange.Row]:
    """Jobs, results and runs."""
    cached: list[exchange.Row] = [
        ("GET", f"/api/queries/{{}}/results.{ending}", partial(get_cached, instance, ending))
        for ending in ("json", "csv", "tsv")
    ]
    return [
        ("GET", "/api/jobs/{}", partial(get_job, instance)),
        ("DELETE", "/api/jobs/{}", partial(cancel_job, instance)),
        ("GET", "/api/queries/{}/jobs/{}", partial(get_query_job, instance)),
        ("POST", "/api/queries/{}/results", partial(run_query, instance)),
        ("POST", "/api/queries/{}/refresh", partial(refresh_query, instance)),
        ("GET", "/api/queries/{}/results", partial(get_cached, instance, "json")),
        ("GET", "/api/queries/{}/results/{}", partial(get_query_result, instance)),
        ("POST", "/api/query_results", partial(run_text, instance)),
        ("GET", "/api/query_results/{}", partial(get_result, instance)),
        *cached,
    ]


def run_query(instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str) -> exchange.Reply:
    """A cached result young enough, else a job: the one already running for this text, or a new one.
    An unreadable body is no body."""
    query = instance.query(query_id)
    body: Any = {} if ask.unreadable or ask.body is None else ask.body
    if not isinstance(body, dict) or not isinstance(body.get("parameters", {}), dict):
        raise tonalytica_instance.broken()
    by_query_key = not _is_user(instance, ask)
    if by_query_key and not query["is_safe"]:
        words = "This query contains potentially unsafe parameters and cannot be executed with a query key."
        raise tonalytica_instance.run_refused(403, words)
    text = tonalytica_parameters.apply(query["query"], query["options"], body.get("parameters", {}))
    reply = _run(instance, query["data_source_id"], text, body.get("max_age"), query)
    if by_query_key and "query_result" in reply.body:
        told = reply.body["query_result"]
        return exchange.Reply(200, {"query_result": {k: told[k] for k in ("data", "retrieved_at")}})
    return reply


def refresh_query(instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str) -> exchange.Reply:
    """Always a job; parameters stand in the URL as ``p_<name>``."""
    query = instance.query(query_id)
    given = {k.removeprefix("p_"): v for k, v in ask.query.items() if k.startswith("p_")}
    text = tonalytica_parameters.apply(query["query"], query["options"], tonalytica_parameters.unflat(given))
    return _run(instance, query["data_source_id"], text, 0, query)


def run_text(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Any text on a source; it runs as the query that has the same text would."""
    body = tonalytica_instance.fields(ask)
    if not isinstance(body.get("query"), str):
        raise tonalytica_instance.broken()
    if not isinstance(body.get("parameters") or {}, dict):
        raise tonalytica_instance.broken()
    if body.get("data_source_id") is None:
        raise tonalytica_instance.run_refused(401, "Please select data source to run this query.")
    source_id = body["data_source_id"]
    text = tonalytica_parameters.apply(body["query"], {}, body.get("parameters") or {})
    wanted = (tonalytica_instance.query_hash(text), source_id)
    same = [q for q in instance.queries.values() if (q["query_hash"], q["data_source_id"]) == wanted]
    return _run(instance, source_id, text, body.get("max_age"), same[0] if same else None)


def get_job(instance: tonalytica_instance.Instance, ask: exchange.Ask, job_id: str) -> exchange.Reply:
    """The job as it stands; 500 for an unknown or forgotten one, as real servers answer."""
    return exchange.Reply(200, shown(instance, _job(instance, job_id)))


def get_query_job(
    instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str, job_id: str
) -> exchange.Reply:
    """The same for a query's key."""
    instance.query(query_id)
    return get_job(instance, ask, job_id)


def cancel_job(instance: tonalytica_instance.Instance, ask: exchange.Ask, job_id: str) -> exchange.Reply:
    """``null``; the job, even a finished one, is a failure with :data:`CANCELLED` from then on. But up to version
    9 one that is still queued says so for ever, and is handed to whoever asks for the same text."""
    job = _job(instance, job_id)
    now = instance.clock.now()
    if instance.generation <= 9 and status_of(job, now) == 1:
        job |= {"starts_at": NEVER, "ends_at": NEVER, "lock_until": now + LOCK_LIFE}
    else:
        job["cancelled_at"] = job["cancelled_at"] or now
    return exchange.Reply(200, None, "job.cancelled", job_id)


def get_cached(
    instance: tonalytica_instance.Instance, ending: str, ask: exchange.Ask, query_id: str
) -> exchange.Reply:
    """The query's latest result; for its own key, the result of its present text."""
    query = instance.query(query_id)
    result_id = query["latest_query_data_id"]
    if not _is_user(instance, ask):
        result = _cached(instance, query["query_hash"], query["data_source_id"], None)
        result_id = result["id"] if result else None
    if result_id is None or tonalytica_parameters.names(query["query"]):
        raise tonalytica_instance.refuse(404, NO_RESULT)
    return _as(instance.results[result_id], ending)


def get_result(instance: tonalytica_instance.Instance, ask: exchange.Ask, result: str) -> exchange.Reply:
    """``<id>`` or ``<id>.json|csv|tsv``."""
    match = _RESULT.fullmatch(result)
    if match is None:
        raise tonalytica_instance.broken()
    return _as(tonalytica_instance.found(instance.results, match[1]), match[2] or "json")


def get_query_result(
    instance: tonalytica_instance.Instance, ask: exchange.Ask, query_id: str, result: str
) -> exchange.Reply:
    """The same for a query's key."""
    instance.query(query_id)
    return get_result(instance, ask, result)


def status_of(job: exchange.Record, now: int) -> int:
    """1 pending, 2 started, 3 success, 4 failure."""
    if job["cancelled_at"] is not None:
        return 4
    if now < job["starts_at"]:
        return 1
    if now < job["ends_at"]:
        return 2
    return 4 if job["error"] is not None else 3


def shown(instance: tonalytica_instance.Instance, job: exchange.Record) -> exchange.Record:
    """The job's object; ``updated_at`` is 0 but while it runs."""
    status = status_of(job, instance.clock.now())
    error = CANCELLED if job["cancelled_at"] is not None else job["error"]
    started = instance.stamp(job["starts_at"]).removesuffix("Z") if status == 2 else 0
    result = job["result_id"] if status == 3 else None
    told = {
        "id": job["id"],
        "updated_at": started,
        "status": status,
        "error": (error or "") if status == 4 else "",
        "result": result,
        "query_result_id": result,
    }
    if instance.generation <= 8:
        del told["result"]
    return {"job": told}


def settle(instance: tonalytica_instance.Instance) -> None:
    """Write the results of jobs that have ended by now, in the order in which they did; a result is the
    latest one of every query with that text on that source."""
    now = instance.clock.now()
    ended = [job for job in instance.jobs.values() if job["result_id"] is None and status_of(job, now) == 3]
    for job in sorted(ended, key=lambda one: int(one["ends_at"])):
        number = instance.next("result")
        job["result_id"] = number
        instance.results[number] = _result(instance, number, job)
        for query in instance.queries.values():
            if (query["query_hash"], query["data_source_id"]) == (job["hash"], job["data_source_id"]):
                query["latest_query_data_id"] = number


def _run(
    instance: tonalytica_instance.Instance,
    source_id: Any,
    text: str,
    max_age: Any,
    query: exchange.Record | None,
) -> exchange.Reply:
    source = instance.data_sources.get(source_id) if isinstance(source_id, int) else None
    if source is None:
        raise tonalytica_instance.broken()
    if source["paused"]:
        reason = f" ({source['pause_reason']})" if source["pause_reason"] else ""
        words = f"{source['name']} is paused{reason}. Please try later."
        raise tonalytica_instance.run_refused(400, words)
    missing = tonalytica_parameters.names(text)
    if missing:
        words = f"Missing parameter value for: {', '.join(missing)}"
        raise tonalytica_instance.run_refused(400, words)
    digest = tonalytica_instance.query_hash(text)
    age = _max_age(max_age)
    result = _cached(instance, digest, source_id, age) if age != 0 else None
    if result is not None:
        return exchange.Reply(200, {"query_result": result})
    running = [job for job in instance.jobs.values() if _locks(instance, job, digest, source_id)]
    if running:
        return exchange.Reply(200, shown(instance, running[0]))
    job = _submit(instance, digest, source_id, text, query)
    return exchange.Reply(200, shown(instance, job), "job.submitted", job["id"])


def _max_age(given: Any) -> int | None:
    """Seconds; None for any age (missing, null, -1); words are a 500."""
    try:
        age = -1 if given is None else int(given)
    except (TypeError, ValueError):
        raise tonalytica_instance.broken() from None
    return None if age < 0 else age


def _cached(
    instance: tonalytica_instance.Instance, digest: str, source_id: int, age: int | None
) -> exchange.Record | None:
    oldest = "" if age is None else instance.stamp(instance.clock.now() - age * times.SECOND)
    for result in reversed(instance.results.values()):
        same = (result["query_hash"], result["data_source_id"]) == (digest, source_id)
        if same and result["retrieved_at"] >= oldest:
            return result
    return None


def _locks(instance: tonalytica_instance.Instance, job: exchange.Record, digest: str, source_id: int) -> bool:
    same = (job["hash"], job["data_source_id"]) == (digest, source_id)
    now = instance.clock.now()
    return same and status_of(job, now) in (1, 2) and now < job["lock_until"]


def _submit(
    instance: tonalytica_instance.Instance,
    digest: str,
    source_id: int,
    text: str,
    query: exchange.Record | None,
) -> exchange.Record:
    plan = instance.plans.get(query["id"], {}) if query else {}
    now = instance.clock.now()
    starts_at = now + instance.durations["pending"]
    seconds = plan.get("seconds")
    length = instance.durations["running"] if seconds is None else int(seconds * times.SECOND)
    job_id = str(uuid.UUID(int=(instance.next("job") << 64) | (now & (2**63 - 1)), version=4))
    job = {
        "id": job_id,
        "hash": digest,
        "data_source_id": source_id,
        "text": text,
        "starts_at": starts_at,
        "ends_at": starts_at + length,
        "rows": plan.get("rows", tonalytica_instance.DEFAULT_ROWS),
        "error": plan.get("error"),
        "cancelled_at": None,
        "lock_until": NEVER,
        "result_id": None,
    }
    instance.jobs[job_id] = job
    return job


def _job(instance: tonalytica_instance.Instance, job_id: str) -> exchange.Record:
    job = instance.jobs.get(job_id)
    if job is None:
        raise tonalytica_instance.broken()
    life = FAILED_LIFE if job["error"] is not None else FINISHED_LIFE
    if instance.clock.now() >= job["ends_at"] + life:
        raise tonalytica_instance.broken()
    return job


def _is_user(instance: tonalytica_instance.Instance, ask: exchange.Ask) -> bool:
    given = ask.query.get("api_key") or ask.headers.get("Authorization", "").replace("Key ", "", 1)
    return given == instance.api_key


def _result(instance: tonalytica_instance.Instance, number: int, job: exchange.Record) -> exchange.Record:
    names = list(dict.fromkeys(name for row in job["rows"] for name in row))
    columns = [
        {"name": name, "friendly_name": name, "type": _type([row.get(name) for row in job["rows"]])}
        for name in names
    ]
    return {
        "id": number,
        "query_hash": job["hash"],
        "query": job["text"],
        "data": {"columns": columns, "rows": job["rows"]},
        "data_source_id": job["data_source_id"],
        "runtime": (job["ends_at"] - job["starts_at"]) / times.SECOND,
        "retrieved_at": instance.stamp(job["ends_at"]),
    }


def _type(values: list[Any]) -> str | None:
    kinds = {type(value) for value in values if value is not None}
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "float"), (str, "string")):
        if kinds == {kind}:
            return name
    return "float" if kinds == {int, float} else None


def _as(result: exchange.Record, ending: str) -> exchange.Reply:
    """The result in the form its ending asks for; an unknown ending is a 500."""
    if ending == "json":
        return exchange.Reply(200, {"query_result": result})
    if ending not in ("csv", "tsv"):
        raise tonalytica_instance.broken()
    names = [column["name"] for column in result["data"]["columns"]]
    out = io.StringIO()
    writer = csv.writer(out, delimiter="," if ending == "csv" else "\t")
    writer.writerow(names)
    writer.writerows([tonalytica_instance.cell(row.get(n)) for n in names] for row in result["data"]["rows"])
    kind = "text/csv; charset=UTF-8" if ending == "csv" else "text/tab-separated-values; charset=UTF-8"
    return exchange.Reply(200, out.getvalue().encode(), content_type=kind)
