"""What Compass's failures mean, in the house's two errors; and how they are told without a token in them.

Called by the client for each answer. Statuses and bodies: the Compass API text.
"""

import re
from collections.abc import Awaitable

from daemon.contract import errors, http, secrets
from daemon.model import jsons
from daemon.model.jsons import Json

LONGEST_TEXT = 300  # characters of the vendor's own words in an error
REFUSED_LOGIN = (400, 401, 403)
_TOKEN_PATH = re.compile(r"(/tokens/)[^?\s]*[^?\s/:]")


async def hide_tokens(ask: Awaitable[http.Reply]) -> http.Reply:
    """What *ask* answers; an error that names a token's address names it without the token."""
    try:
        return await ask
    except errors.ServiceError as failed:
        failed.text = _TOKEN_PATH.sub(rf"\1{secrets.BLANK}", failed.text)
        failed.args = (failed.text,)
        raise


def refuse(reply: http.Reply) -> None:
    """Raise what *reply* means if it is a failure (statuses: Compass API text).

    401 are refused credentials; 403 is a right that the user lacks, and final. A 404 that is no JSON comes
    from something else than the API: nothing is missing then.
    """
    if reply.status < 400:
        if reply.body and "html" in reply.headers.get("content-type", "").lower():
            raise errors.StrangeAnswer(
                f"answered {reply.status} with a web page instead of JSON. Is base_url right (…/api)?",
                status=reply.status,
            )
        return
    text = words(reply)
    if reply.status == 403:
        raise errors.PermanentError(f"403: {text}", status=403)
    if reply.status == 404 and not reply.is_json:
        raise errors.PermanentError("404: not Compass's own answer. Is base_url right (…/api)?", status=404)
    http.raise_for_status(reply, text)


def refuse_login(reply: http.Reply) -> None:
    """The same for a login, whose 400, 401 and 403 all mean a wrong name or password."""
    if reply.status in REFUSED_LOGIN:
        raise errors.TemporaryError(
            f"credentials refused ({reply.status}: {words(reply)}). Are username and password right?",
            status=reply.status,
            unauthorized=True,
        )
    refuse(reply)


def words(reply: http.Reply) -> str:
    """What a failing answer says: ``detail``, texts by field, or a bare JSON text; some 50x are no JSON."""
    try:
        body = jsons.loads(reply.body)
    except jsons.UnfitJson:
        return "" if "html" in reply.headers.get("content-type", "").lower() else reply.quote()
    if isinstance(body, dict):
        body = body.get("detail") or "; ".join(f"{name}: {_flat(texts)}" for name, texts in body.items())
    return " ".join(_flat(body).split())[:LONGEST_TEXT]


def _flat(texts: Json) -> str:
    return " ".join(str(text) for text in texts) if isinstance(texts, list) else str(texts)
