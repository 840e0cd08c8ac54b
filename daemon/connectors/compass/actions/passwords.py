"""Passwords: a user changes its own; a site admin resets another's. Either way the user's token ends."""

from pydantic import Field

from daemon.connectors.compass import client as vendor
from daemon.connectors.compass.actions import shapes, users
from daemon.contract import declare, errors, requests, secrets
from daemon.model import jsons
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt


class ChangePassword(users.Email):
    """A user and its passwords."""

    password: secrets.SecretText = Field(description="The new password.", min_length=1)
    old_password: secrets.SecretText = Field(description="The password until now.", min_length=1)


class ResetPassword(users.Email):
    """Whose password."""

    new_password: secrets.SecretText | None = Field(
        None,
        description="What the temporary password is changed into at once. Without it nobody learns the temporary "
        "one: it is neither shown nor stored.",
        min_length=1,
    )


class PasswordChanged(declare.Result):
    """A password that was changed; the new token is not shown."""

    user: users.User = Field(description="The user.")
    expiration: str | None = Field(None, description="When the user's new token ends, ISO 8601.")


class PasswordReset(declare.Result):
    """A password that was reset."""

    email: str = Field(description="Whose.")
    changed: bool = Field(description="Whether it was changed into `new_password`.")


async def try_new_password(
    client: vendor.CompassClient, parameters: ChangePassword, call: declare.Call, before: JsonObject | None
) -> declare.Done[PasswordChanged] | None:
    """Log in with the new password: who gets in has changed it."""
    session = await client.try_login(parameters.email, parameters.password)
    return _changed(client, parameters, session) if session is not None else None


@declare.action(
    "compass.change_password",
    doubt=Doubt.PROBED,
    why="the old password is good only once; whether the new one is in force, a login tells",
    probe=declare.Probe(about="whether the new password lets the user in", look=try_new_password),
    example={
        "email": "ada@example.com",
        "old_password": {"env": "COMPASS_PASSWORD"},
        "password": {"env": "COMPASS_NEW_PASSWORD"},
    },
)
async def change_password(
    client: vendor.CompassClient, parameters: ChangePassword, call: declare.Call
) -> declare.Done[PasswordChanged]:
    """Change the password of the account's own user. Change it in the config too: other daemons, and this one after
    a restart, log in with what stands there.
    """
    body = {"password": parameters.password, "old_password": parameters.old_password}
    answer = client.write("PUT", vendor.path("users", parameters.email, "password"), body)
    session = await shapes.hide(answer, *body.values())
    return _changed(client, parameters, session)


async def try_given_password(
    client: vendor.CompassClient, parameters: ResetPassword, call: declare.Call, before: JsonObject | None
) -> declare.Done[PasswordReset] | None:
    """Log in with ``new_password``: who gets in has got it."""
    if not parameters.new_password:
        raise errors.Unclear("nobody learnt the temporary password, if there is one")
    session = await client.try_login(parameters.email, parameters.new_password)
    return _reset(parameters) if session is not None else None


@declare.action(
    "compass.reset_password",
    doubt=Doubt.UNSAFE,
    why="each call makes another temporary password; with `new_password` a login tells whether it is in force",
    doubt_of=lambda parameters: Doubt.PROBED if parameters.new_password else Doubt.UNSAFE,
    probe=declare.Probe(about="whether `new_password` lets the user in", look=try_given_password),
    example={"email": "eve@example.com", "new_password": {"env": "COMPASS_NEW_PASSWORD"}},
)
async def reset_password(
    client: vendor.CompassClient, parameters: ResetPassword, call: declare.Call
) -> declare.Done[PasswordReset]:
    """Reset a user's password. Only a site admin may; with `new_password` the user need not change it again."""
    path = vendor.path("users", parameters.email, "password", "reset")
    temporary = (await client.write("POST", path, {})).get("password")
    if parameters.new_password:
        if not isinstance(temporary, str):
            raise errors.StrangeAnswer("the answer holds no temporary password. Is base_url right?")
        await _replace(client, parameters.email, temporary, parameters.new_password)
    return _reset(parameters)


async def _replace(client: vendor.CompassClient, email: str, temporary: str, wanted: str) -> None:
    """Change the *temporary* password into the *wanted* one, as the user: the only thing it may do now."""
    session = await client.try_login(email, temporary)
    if session is None:
        raise errors.PermanentError(
            "the temporary password does not let the user in: was it reset once more?"
        )
    body = {"password": wanted, "old_password": temporary}
    path = vendor.path("users", email, "password")
    await shapes.hide(client.send_as(session, "PUT", path, body), *body.values())


def _changed(
    client: vendor.CompassClient, parameters: ChangePassword, session: JsonObject
) -> declare.Done[PasswordChanged]:
    client.go_on_with(parameters.email, parameters.password, session)
    user = users.read_user(jsons.as_object(session.get("user")) or {"email": parameters.email})
    shown = {"user": user, "expiration": session.get("expiration")}
    return declare.Done(requests.parse("Compass", PasswordChanged, shown))


def _reset(parameters: ResetPassword) -> declare.Done[PasswordReset]:
    return declare.Done(PasswordReset(email=parameters.email, changed=bool(parameters.new_password)))
