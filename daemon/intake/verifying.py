"""Whether a callback is genuine: derived tokens in paths, and the three verifications of ``[[webhook]]``.

Pure; every comparison of secrets takes constant time. Called by ``webhooks``; ``app`` and ``cli`` derive
URLs here.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from daemon.contract import secrets

TOKEN_BYTES = 24

STANDARD_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
DEFAULT_HEADERS = {"hmac-sha256": "X-Hub-Signature-256", "token": "Authorization"}


def derive_token(secret: str, account: str, hook: str) -> str:
    """The token of an account's hook: unguessable without *secret*, the same after every restart."""
    said = f"pointsman callback\n{account}\n{hook}".encode()
    raw = hmac.new(secret.encode(), said, hashlib.sha256).digest()[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def callback_path(secret: str, account: str, hook: str) -> str:
    """The path of an account's hook on the public listener."""
    return f"/hooks/{quote(account, safe='')}/{hook}/{derive_token(secret, account, hook)}"


def verify(how: str, header: str | None, secret: str, headers: Mapping[str, str], raw: bytes) -> bool:
    """Whether the request with *headers* (any case) and body *raw* knows *secret*, in the way *how*."""
    if how == "standard-webhooks":
        return _verify_standard(secret, headers, raw)
    given = headers.get(header or DEFAULT_HEADERS[how], "")
    if how == "hmac-sha256":
        signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        return secrets.is_equal(given.lower().removeprefix("sha256="), signature)
    return secrets.is_equal(_bare(given), secret)


def tell_fault(how: str, header: str | None, secret: str, headers: Mapping[str, str], raw: bytes) -> str:
    """Why :func:`verify` said no to the same request. For the operator's eyes: a sender is told nothing of it."""
    wanted = STANDARD_HEADERS if how == "standard-webhooks" else (header or DEFAULT_HEADERS[how],)
    there = {name.lower() for name, value in headers.items() if value}
    missing = [name for name in wanted if name.lower() not in there]
    if missing:
        return f"no {', '.join(missing)} came"
    if how == "standard-webhooks":
        return _standard_fault(secret, headers, raw) or "nothing is wrong"
    return f"{wanted[0]} holds another {'token' if how == 'token' else 'signature'}"


def _bare(given: str) -> str:
    word, _, rest = given.partition(" ")
    return rest.strip() if word.lower() == "bearer" and rest else given


def _verify_standard(secret: str, headers: Mapping[str, str], raw: bytes) -> bool:
    return _standard_fault(secret, headers, raw) is None


def _standard_fault(secret: str, headers: Mapping[str, str], raw: bytes) -> str | None:
    """What Standard Webhooks' reference library finds wrong; the body's text must be what was signed."""
    from standardwebhooks import Webhook, WebhookVerificationError

    lower = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(secret).verify(raw, lower, json_parse=False)
    except WebhookVerificationError as wrong:  # its texts are the library's own and name no secret
        return str(wrong).lower()
    except (ValueError, OverflowError):
        # The body is not UTF-8, the header's base64 is broken, its instant is one that no calendar has.
        return "the headers or the body cannot be read"
    return None
