"""Tokens: what authenticates a user, one for each, for two weeks. They are never shown, and named by their user."""

from typing import Self

from pydantic import Field, model_validator

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes
from daemon.contract import declare, errors, requests, secrets
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class ListTokens(shapes.Limited):
    """Whose tokens."""

    user: str | None = Field(None, description="Only those of the user with this e-mail address.")


class WhichToken(declare.Parameters):
    """Which token: itself, or whose."""

    token: secrets.SecretText | None = Field(None, description="The token.", min_length=1)
    user: str | None = Field(None, description="Its user's e-mail address, instead.", min_length=1)

    @model_validator(mode="after")
    def is_named(self) -> Self:
        """One of the two."""
        if (self.token is None) == (self.user is None):
            raise ValueError("give token or user, one of them")
        return self


class Token(declare.Result):
    """A token, without itself."""

    token: str = Field(secrets.BLANK, description="Never shown.")
    user: str | None = Field(None, description="Its user's e-mail address.")
    expiration: str | None = Field(None, description="When it ends, ISO 8601.")


class Tokens(declare.Result):
    """Tokens."""

    count: int = Field(description="How many there are.")
    tokens: list[Token] = Field(description="The tokens, without themselves.")


@declare.action(
    "compass.list_tokens", doubt=Doubt.REPEATABLE, why="it only reads", example={"user": "ada@example.com"}
)
async def list_tokens(
    client: vendor.CompassClient, parameters: ListTokens, call: declare.Call
) -> declare.Done[Tokens]:
    """List one's own tokens; a site admin sees all. Tells who has one, and until when."""
    query = shapes.query(parameters, "user")
    found = await client.list_some(vendor.path("tokens"), query, parameters.limit)
    tokens = [_read(one) for one in found.objects]
    return declare.Done(Tokens(count=found.count, tokens=tokens))


@declare.action(
    "compass.get_token", doubt=Doubt.REPEATABLE, why="it only reads", example={"user": "ada@example.com"}
)
async def get_token(
    client: vendor.CompassClient, parameters: WhichToken, call: declare.Call
) -> declare.Done[Token]:
    """Read when a token of one's own ends."""
    token = parameters.token or await _token_of(client, parameters.user)
    if token is None:
        raise errors.PermanentError("the user has no token", missing=True)
    found = await shapes.hide(client.read(_path(token)), token)
    return declare.Done(_read(found))


@declare.action(
    "compass.delete_token",
    doubt=Doubt.REPEATABLE,
    why="what is deleted stays so",
    example={"user": "ada@example.com"},
)
async def delete_token(
    client: vendor.CompassClient, parameters: WhichToken, call: declare.Call
) -> declare.Done[shapes.Deleted]:
    """Delete a token of one's own: whoever uses it must log in again, as this daemon does by itself. One that
    is not there is no error."""
    token = parameters.token or await _token_of(client, parameters.user)
    if token is None:  # a user without one has none to lose
        return declare.Done(shapes.Deleted(deleted=True, existed=False))
    return await shapes.hide(shapes.delete(client, _path(token), call), token)


async def _token_of(client: vendor.CompassClient, user: str | None) -> str | None:
    listed = await client.list_all(vendor.path("tokens"), {"user": user})
    return next((str(one["token"]) for one in listed if one.get("user") == user and one.get("token")), None)


def _path(token: str) -> str:
    return vendor.path("tokens", token)


def _read(given: JsonObject) -> Token:
    """A token of an answer: what else the service tells of it may hold it, so only what is documented is kept."""
    kept = {name: given.get(name) for name in ("user", "expiration")}
    return requests.parse("Compass", Token, kept)
