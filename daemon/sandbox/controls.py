"""What the control API can do to each service: people looking, things failing, keys changing.

``control`` serves every row of :data:`ACTS` as ``POST /control/<service>/<act>`` with a JSON object.
"""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from daemon.model import times
from daemon.sandbox import exchange, popily, populr_calls, populr_tracers

if TYPE_CHECKING:
    from daemon.sandbox import server


async def open_pop(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """Somebody views a pop: ``pop_id``, ``tracer_id`` or ``code``, ``views`` (1), ``clicks`` (0), ``links``
    ``{url: clicks}``, ``assets`` ``{region: {asset: clicks}}``. 409 while the pop is not published."""
    pop = sandbox.populr.pop(str(body.get("pop_id")))
    if not pop["published_pop_url"]:
        raise exchange.Refused(exchange.Reply(409, {"error": "The pop is not published."}))
    return sandbox.calls.open(
        pop["_id"],
        tracer_id(sandbox, body),
        int(body.get("views", 1)),
        int(body.get("clicks", 0)),
        body.get("links") or {},
        body.get("assets") or {},
    )


async def fire(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """Send the tracer's callback now; the keys of ``populr_calls.SHAPES`` hold for this one."""
    given: exchange.Record = {k: bool(body[k]) for k in populr_calls.SHAPES if k in body}
    status = await sandbox.calls.fire(str(body.get("pop_id")), tracer_id(sandbox, body), given)
    return {"status": status}


async def collaborate(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """A collaborator finishes: ``pop_id``, ``changes``; ``status`` is null when nothing was told."""
    return {"status": await sandbox.calls.collaborate(str(body.get("pop_id")), body.get("changes") or {})}


async def set_populr(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """Switches of ``populr_group.Group.settings``: which oddities of the real service to show."""
    for name, value in body.items():
        if name not in sandbox.populr.settings:
            raise LookupError(f"setting {name}")
        sandbox.populr.settings[name] = bool(value)
    return sandbox.populr.settings


async def set_source(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """With ``source_id``: its ``status`` from now on (null lets it go its way), or its ``outcome``. Without:
    ``outcome`` and ``inspecting``/``calculating`` (seconds) of sources added later."""
    service = sandbox.popily
    seconds = {key: duration(body[key]) for key in popily.DURATIONS if key in body}
    if "source_id" not in body:
        service.durations.update(seconds)
        service.outcome = str(body.get("outcome", service.outcome))
        return {"outcome": service.outcome, "durations": service.durations}
    source = service.source(str(body["source_id"]))
    course = service.courses[source["id"]]
    course.update(seconds)
    if "status" in body:
        course["fixed"] = body["status"]
    if "outcome" in body:
        course["outcome"] = str(body["outcome"])
    return service.shown(source)


async def remove_source(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """``source_id`` goes: no client can, but Popily's own pages could."""
    source = sandbox.popily.source(str(body.get("source_id")))
    del sandbox.popily.sources[source["id"]]
    return {}


async def set_training(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """For classifiers made later: ``seconds`` of training, ``fail`` (a text, true, or null). With
    ``classifier_id`` for one that is in training."""
    service = sandbox.compass
    fail = body.get("fail", service.failure)
    failure = "Training failed." if fail is True else (str(fail) if fail else None)
    if "classifier_id" not in body:
        service.failure = failure
        service.training = duration(body["seconds"]) if "seconds" in body else service.training
        return {"seconds": service.training / times.SECOND, "fail": failure}
    for project in service.projects.values():
        kept = project.classifiers.get(int(body["classifier_id"]))
        if kept is not None:
            kept["failure"] = failure if "fail" in body else kept["failure"]
            if "seconds" in body:
                kept["ready_at"] = service.clock.now() + duration(body["seconds"])
            return {"ready_at": kept["ready_at"], "fail": kept["failure"]}
    raise LookupError(f"classifier {body['classifier_id']}")


async def expire_tokens(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """Every token of Compass is void at once, as after its two weeks."""
    count = len(sandbox.compass.tokens)
    sandbox.compass.tokens.clear()
    return {"expired": count}


async def set_query(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """What later runs of ``query_id`` give: ``rows`` (objects), ``seconds``, ``error`` (a text, ``""`` too;
    null succeeds again). Without an id: ``pending``/``running`` seconds of runs that say nothing."""
    service = sandbox.tonalytica
    if "query_id" not in body:
        service.durations.update({k: duration(body[k]) for k in ("pending", "running") if k in body})
        return service.durations
    number = int(body["query_id"])
    if number not in service.queries:
        raise LookupError(f"query {number}")
    rows = body.get("rows", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("rows must be a list of objects")
    given: exchange.Record = {key: body[key] for key in ("rows", "seconds", "error") if key in body}
    service.plans[number] = {**service.plans.get(number, {}), **given}
    return service.plans[number]


async def set_data_source(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """``data_source_id`` is ``paused`` for a ``reason``, or not."""
    source = sandbox.tonalytica.data_sources[int(body["data_source_id"])]
    source.update(paused=int(bool(body.get("paused"))), pause_reason=body.get("reason"))
    return source


async def forget_job(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """``job_id`` is unknown from now on, as after its 12 hours; without an id, every job."""
    if "job_id" in body:
        del sandbox.tonalytica.jobs[str(body["job_id"])]
    else:
        sandbox.tonalytica.jobs.clear()
    return {}


async def set_version(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """``version`` of the Redash server that is simulated from now on, such as ``9.0.0`` or ``25.1.0``."""
    version = str(body.get("version"))
    if not re.fullmatch(r"\d+(\.\d+)*[\w.-]*", version):
        raise ValueError("version is one such as 10.1.0")
    sandbox.tonalytica.version = version
    return {"version": version}


async def rotate_key(sandbox: "server.Sandbox", body: exchange.Record) -> Any:
    """Another user key; the old one is refused from now on."""
    return {"api_key": sandbox.tonalytica.rotate_key()}


def tracer_id(sandbox: "server.Sandbox", body: exchange.Record) -> str:
    """The tracer's id, given as such or found by its ``code``."""
    pop_id = str(body.get("pop_id"))
    if body.get("tracer_id") is not None:
        return str(populr_tracers.find(sandbox.populr, pop_id, str(body["tracer_id"]))["_id"])
    for tracer in sandbox.populr.tracers.get(pop_id, {}).values():
        if tracer["code"] == body.get("code"):
            return str(tracer["_id"])
    raise LookupError("such tracer")


def duration(seconds: Any) -> int:
    """Microseconds of a number of seconds."""
    return round(float(seconds) * times.SECOND)


Act = Callable[["server.Sandbox", exchange.Record], Awaitable[Any]]
ACTS: dict[str, Act] = {
    "populr/open": open_pop,
    "populr/fire": fire,
    "populr/collaborate": collaborate,
    "populr/settings": set_populr,
    "popily/status": set_source,
    "popily/remove": remove_source,
    "compass/training": set_training,
    "compass/expire_tokens": expire_tokens,
    "tonalytica/query": set_query,
    "tonalytica/data_source": set_data_source,
    "tonalytica/forget_job": forget_job,
    "tonalytica/version": set_version,
    "tonalytica/rotate_key": rotate_key,
}
