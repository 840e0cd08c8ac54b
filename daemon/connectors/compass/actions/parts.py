"""Long lists in several requests: documents and messages are posted so. Called by their families."""

from daemon.connectors.compass import client as vendor
from daemon.contract import errors
from daemon.model import jsons
from daemon.model.jsons import Json, JsonObject


async def post(
    client: vendor.CompassClient,
    path: str,
    given: list[JsonObject],
    at_once: int,
    first_query: JsonObject | None = None,
) -> list[JsonObject]:
    """Post *given* as lists of at most *at_once*; the answered objects in order. Only the first request has
    *first_query*.

    Where a later part fails, the earlier ones have been taken: the error says so, and a temporary one is in
    doubt as a whole.
    """
    taken: list[JsonObject] = []
    for start in range(0, len(given), at_once):
        query = first_query if start == 0 else None
        try:
            reply = await client.send("POST", path, query=query, json=given[start : start + at_once])
            taken += as_list(reply.json())
        except errors.ServiceError as failed:
            if start == 0:
                raise
            raise _after(start, failed) from None
    return taken


def _after(start: int, failed: errors.ServiceError) -> errors.ServiceError:
    text = f"after {start} that were taken: {failed.text}"
    if isinstance(failed, errors.TemporaryError):
        return errors.TemporaryError(
            text,
            status=failed.status,
            retry_after=failed.retry_after,
            in_doubt=True,
            unauthorized=failed.unauthorized,
        )
    return type(failed)(text, status=failed.status)


def as_list(answer: Json) -> list[JsonObject]:
    """The objects of an answer: a list, or the page of which the Compass API text speaks, or one object."""
    if isinstance(answer, dict):
        answer = answer.get("results", [answer])
    return [jsons.as_object(one) for one in answer] if isinstance(answer, list) else []
