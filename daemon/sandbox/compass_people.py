"""Compass's accounts, users and permissions. Rows for ``compass``."""

from functools import partial
from typing import Any

from daemon.sandbox import compass_instance, django, exchange


def rows(instance: compass_instance.Instance) -> list[exchange.Row]:
    """Who may do what."""
    return [
        ("GET", "/accounts/", partial(list_accounts, instance)),
        ("POST", "/accounts/", partial(create_account, instance)),
        ("GET", "/accounts/{}/", partial(get_account, instance)),
        ("PUT", "/accounts/{}/", partial(update_account, instance)),
        ("DELETE", "/accounts/{}/", partial(delete_account, instance)),
        ("GET", "/users/", partial(list_users, instance)),
        ("POST", "/users/", partial(create_user, instance)),
        ("GET", "/users/{}/", partial(get_user, instance)),
        ("PUT", "/users/{}/", partial(update_user, instance)),
        ("DELETE", "/users/{}/", partial(delete_user, instance)),
        ("PUT", "/users/{}/password/", partial(change_password, instance)),
        ("POST", "/users/{}/password/reset/", partial(reset_password, instance)),
        ("GET", "/permissions/", partial(list_permissions, instance)),
        ("POST", "/permissions/", partial(create_permission, instance)),
        ("GET", "/permissions/{}/", partial(get_permission, instance)),
        ("DELETE", "/permissions/{}/", partial(delete_permission, instance)),
    ]


def shown(instance: compass_instance.Instance, user: exchange.Record) -> exchange.Record:
    """The user with the permissions held."""
    held = [p for p in instance.permissions.values() if p["user"] == user["email"]]
    return {**user, "permissions": held}


def list_accounts(instance: compass_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Those one has a permission on; a site admin sees all."""
    user = instance.user_of(ask)
    mine = [a for a in instance.accounts.values() if instance.may(user, a["id"], "read")]
    return django.page(ask, mine, f"{compass_instance.PUBLIC}/accounts/")


def create_account(instance: compass_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Site admins only; names may repeat."""
    _admin(instance, ask)
    django.require(ask.record(), "name")
    django.check_text(ask.record(), "name")
    account_id = instance.new_code("account")
    url = f"{compass_instance.PUBLIC}/accounts/{account_id}/"
    account = {"url": url, "id": account_id, "name": ask.record()["name"]}
    instance.accounts[account_id] = account
    return exchange.Reply(201, account, "account.created", account_id)


def get_account(instance: compass_instance.Instance, ask: exchange.Ask, account_id: str) -> exchange.Reply:
    """One account."""
    return exchange.Reply(200, _account(instance, ask, account_id, "read"))


def update_account(instance: compass_instance.Instance, ask: exchange.Ask, account_id: str) -> exchange.Reply:
    """Its ``name``."""
    account = _account(instance, ask, account_id, "manage")
    django.check_text(ask.record(), "name")
    account["name"] = ask.record().get("name", account["name"])
    return exchange.Reply(200, account, "account.updated", account_id)


def delete_account(instance: compass_instance.Instance, ask: exchange.Ask, account_id: str) -> exchange.Reply:
    """Gone, but for an account that still owns projects (inferred)."""
    _account(instance, ask, account_id, "manage")
    if any(project.about["account"] == account_id for project in instance.projects.values()):
        raise django.refuse(400, "This account still owns projects.")
    del instance.accounts[account_id]
    return exchange.Reply(204, None, "account.deleted", account_id)


def list_users(instance: compass_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Oneself, and those of the accounts one manages; a site admin sees all."""
    user = instance.user_of(ask)
    mine = [u for u in instance.users.values() if u is user or instance.manages(user, u["email"])]
    return django.page(ask, mine, f"{compass_instance.PUBLIC}/users/", partial(shown, instance))


def create_user(instance: compass_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Site admins only; the e-mail address is the user's name and unique."""
    _admin(instance, ask)
    body = ask.record()
    django.require(body, "name", "email")
    email = _free_email(instance, body["email"])
    _check_default(instance, body)
    user = instance.add_user(email, str(body["name"]), instance.new_code("password"))
    user["default_account"] = body.get("default_account")
    user["admin"] = django.truth(body.get("admin"))
    return exchange.Reply(201, shown(instance, user), "user.created", email)


def get_user(instance: compass_instance.Instance, ask: exchange.Ask, email: str) -> exchange.Reply:
    """Oneself, or a user of an account one manages."""
    return exchange.Reply(200, shown(instance, _user(instance, ask, email)))


def update_user(instance: compass_instance.Instance, ask: exchange.Ask, email: str) -> exchange.Reply:
    """``name email default_account`` by oneself, and ``admin`` by a site admin."""
    user = _user(instance, ask, email)
    asking = instance.user_of(ask)
    if not asking["admin"] and asking is not user:
        raise django.refuse(403)
    body = ask.record()
    django.check_text(body, "name", "email")
    _check_default(instance, body)
    if body.get("email", email) != email:
        _rename(instance, user, _free_email(instance, body["email"]))
    user.update({name: body[name] for name in ("name", "default_account") if name in body})
    if "admin" in body:
        if not asking["admin"]:
            raise django.refuse(403)
        user["admin"] = django.truth(body["admin"])
    return exchange.Reply(200, shown(instance, user), "user.updated", email)


def _rename(instance: compass_instance.Instance, user: exchange.Record, email: str) -> None:
    """The user goes by another address, with all that is its own."""
    old = user["email"]
    user.update(email=email, url=f"{compass_instance.PUBLIC}/users/{email}/")
    instance.users[email] = instance.users.pop(old)
    instance.passwords[email] = instance.passwords.pop(old)
    for kept in (*instance.tokens.values(), *instance.permissions.values()):
        kept["user"] = email if kept["user"] == old else kept["user"]


def _free_email(instance: compass_instance.Instance, email: Any) -> str:
    if "@" not in str(email):
        raise django.invalid(email="Enter a valid email address.")
    if str(email) in instance.users:
        raise django.invalid(email="user with this email already exists.")
    return str(email)


def _check_default(instance: compass_instance.Instance, body: exchange.Record) -> None:
    account = body.get("default_account")
    if account is not None and str(account) not in instance.accounts:
        raise django.invalid(default_account=f"Invalid pk '{account}' - object does not exist.")


def delete_user(instance: compass_instance.Instance, ask: exchange.Ask, email: str) -> exchange.Reply:
    """Site admins only; the token goes too."""
    _admin(instance, ask)
    _user(instance, ask, email)
    instance.logout(email)
    del instance.users[email], instance.passwords[email]
    return exchange.Reply(204, None, "user.deleted", email)


def change_password(instance: compass_instance.Instance, ask: exchange.Ask, email: str) -> exchange.Reply:
    """One's own; the token is another one afterwards."""
    user = instance.user_of(ask)
    body = ask.record()
    django.require(body, "password", "old_password")
    if user["email"] != email:
        raise django.refuse(403)
    if instance.passwords[email] != body["old_password"]:
        raise django.invalid(old_password="Invalid password.")  # noqa: S106 - an error's text
    instance.passwords[email] = str(body["password"])
    user["must_reset_password"] = False
    instance.logout(email)
    kept = instance.login(email)
    told = {"token": kept["token"], "user": shown(instance, user), "expiration": kept["expiration"]}
    return exchange.Reply(200, told, "password.changed", email)


def reset_password(instance: compass_instance.Instance, ask: exchange.Ask, email: str) -> exchange.Reply:
    """Site admins only; the user must change the temporary password before anything else."""
    _admin(instance, ask)
    user = _user(instance, ask, email)
    instance.passwords[email] = instance.new_code("password")
    user["must_reset_password"] = True
    instance.logout(email)
    return exchange.Reply(200, {"password": instance.passwords[email]}, "password.reset", email)


def list_permissions(instance: compass_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """Those on accounts one manages, filtered by ``user`` and ``level``."""
    asking = instance.user_of(ask)
    kept = [p for p in instance.permissions.values() if instance.may(asking, p["account"], "manage")]
    for name in ("user", "level"):
        kept = [p for p in kept if ask.query.get(name) in (None, "", p[name])]
    return django.page(ask, kept, f"{compass_instance.PUBLIC}/permissions/")


def create_permission(instance: compass_instance.Instance, ask: exchange.Ask) -> exchange.Reply:
    """At most one for a user on an account."""
    body = ask.record()
    django.require(body, "user", "account", "level")
    django.check_text(body, "user", "account", "level")
    if body["user"] not in instance.users:
        raise django.invalid(user=f"Invalid pk '{body['user']}' - object does not exist.")
    if body["level"] not in compass_instance.LEVELS:
        raise django.invalid_choice("level", body["level"])
    _account(instance, ask, str(body["account"]), "manage")
    pair = (body["user"], body["account"])
    if any((p["user"], p["account"]) == pair for p in instance.permissions.values()):
        raise django.invalid(non_field_errors="The fields user, account must make a unique set.")
    number = instance.next("permission")
    url = f"{compass_instance.PUBLIC}/permissions/{number}/"
    instance.permissions[number] = {"url": url, "user": pair[0], "account": pair[1], "level": body["level"]}
    return exchange.Reply(201, instance.permissions[number], "permission.created", str(number))


def get_permission(instance: compass_instance.Instance, ask: exchange.Ask, number: str) -> exchange.Reply:
    """One's own, or one on an account that one manages."""
    asking = instance.user_of(ask)
    kept = compass_instance.found(instance.permissions, number)
    if kept["user"] != asking["email"] and not instance.may(asking, kept["account"], "manage"):
        raise django.refuse(403)
    return exchange.Reply(200, kept)


def delete_permission(instance: compass_instance.Instance, ask: exchange.Ask, number: str) -> exchange.Reply:
    """Gone."""
    kept = compass_instance.found(instance.permissions, number)
    _account(instance, ask, kept["account"], "manage")
    del instance.permissions[int(number)]
    return exchange.Reply(204, None, "permission.deleted", number)


def _admin(instance: compass_instance.Instance, ask: exchange.Ask) -> None:
    if not instance.user_of(ask)["admin"]:
        raise django.refuse(403)


def _account(
    instance: compass_instance.Instance, ask: exchange.Ask, account_id: str, level: str
) -> exchange.Record:
    user = instance.user_of(ask)
    if account_id not in instance.accounts or not instance.may(user, account_id, "read"):
        raise django.refuse(404)
    if not instance.may(user, account_id, level):
        raise django.refuse(403)
    return instance.accounts[account_id]


def _user(instance: compass_instance.Instance, ask: exchange.Ask, email: str) -> exchange.Record:
    asking = instance.user_of(ask)
    if email not in instance.users or not (asking["email"] == email or instance.manages(asking, email)):
        raise django.refuse(404)
    return instance.users[email]
