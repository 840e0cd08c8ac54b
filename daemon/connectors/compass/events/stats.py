"""What is news of a project's counts: that they are other than those told before. Pure; the watch calls it."""

from daemon.connectors.compass import events
from daemon.contract import declare
from daemon.model import jsons
from daemon.model.events import Fact
from daemon.model.jsons import JsonObject


def compare(
    project_id: str, series: str, before: JsonObject | None, found: JsonObject, *, announce: bool
) -> declare.Seen:
    """What a look at a project's counts brought. *series* names the options (interval and number of buckets), since
    two watches may count the same messages differently; *found* is the service's answer.
    """
    measurements = jsons.as_object(found.get("measurements"))
    previous = before["measurements"] if before else None
    changes = int(before["changes"]) if before else 0
    news = previous != measurements
    changes += int(news and previous is not None)
    data = {
        "measurements": measurements,
        "previous": previous,
        "time_buckets": jsons.as_object(found.get("time_buckets")) or None,
    }
    what = jsons.fingerprint(measurements)[:12]
    fact = Fact(events.StatsSampled.type, project_id, f"stats:{project_id}/{series}:{changes}:{what}", data)
    return declare.Seen(
        f"{project_id}/{series}",
        {"measurements": measurements, "changes": changes},
        facts=[fact] if news and announce else [],
        subject=project_id,
        resource=data,
    )
