"""A Compass instance as it is kept: people, projects and what is in them. Stands under ``compass`` and
its ``compass_*`` neighbours, which act on an :class:`Instance`.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from daemon.model import times
from daemon.sandbox import django, exchange

USERNAME = "ada@example.com"
PASSWORD = "sandbox-password"  # noqa: S105 - the sandbox's own, good for nothing else
PUBLIC = "http://compass.luminoso.com/api"
"""What ``url`` and ``next`` name: another host than the one asked, as behind a vendor's proxy."""
ACCOUNT_ID = "acct0001"
PROJECT_ID = "ab12cd34"
TOKEN_LIFE = 14 * times.DAY
TRAINING = 30 * times.SECOND
_SPACED_OFFSET = re.compile(r"(T\S+) (\d\d:\d\d)$")
LEVELS = ("read", "readwrite", "manage")


@dataclass(slots=True)
class Project:
    """One project: its own fields, and what is in it by id."""

    about: exchange.Record
    documents: list[exchange.Record] = field(default_factory=list)
    classifiers: dict[int, exchange.Record] = field(default_factory=dict)
    topics: dict[int, exchange.Record] = field(default_factory=dict)
    ended_topics: list[exchange.Record] = field(default_factory=list)
    messages: dict[int, exchange.Record] = field(default_factory=dict)
    config: exchange.Record = field(default_factory=dict)
    posted: list[int] = field(default_factory=list)


class Instance:
    """Users, tokens, accounts, permissions, projects; ``training`` and ``failure`` are what the control
    API sets for classifiers made from then on; ``order`` is that of messages (``newest``, ``oldest``, ``written``),
    which the text leaves open."""

    def __init__(self, clock: times.Clock) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        """One site admin, one account, one empty project."""
        self.users: dict[str, exchange.Record] = {}
        self.passwords: dict[str, str] = {}
        self.tokens: dict[str, exchange.Record] = {}
        self.accounts: dict[str, exchange.Record] = {}
        self.permissions: dict[int, exchange.Record] = {}
        self.projects: dict[str, Project] = {}
        self.training = TRAINING
        self.failure: str | None = None
        self.order = "newest"
        self._last: dict[str, int] = {}
        self.accounts[ACCOUNT_ID] = {
            "url": f"{PUBLIC}/accounts/{ACCOUNT_ID}/",
            "id": ACCOUNT_ID,
            "name": "Sandbox",
        }
        self.add_user(USERNAME, "Ada Lovelace", PASSWORD, admin=True)
        self.add_project(PROJECT_ID, name="Feedback", account=ACCOUNT_ID, language="en", creator=USERNAME)

    def next(self, noun: str) -> int:
        """The next number of that noun, from 1."""
        self._last[noun] = self._last.get(noun, 0) + 1
        return self._last[noun]

    def stamp(self, instant: int | None = None) -> str:
        """An instant (default now) as Compass writes times: ISO, fraction, ``+00:00``."""
        return times.to_datetime(self.clock.now() if instant is None else instant).isoformat()

    def password(self, username: str) -> str:
        """The user's password at this moment."""
        return self.passwords[username]

    def add_user(self, email: str, name: str, password: str, admin: bool = False) -> exchange.Record:
        """A user who can log in."""
        user = {
            "url": f"{PUBLIC}/users/{email}/",
            "email": email,
            "name": name,
            "default_account": ACCOUNT_ID if admin else None,
            "must_reset_password": False,
            "admin": admin,
        }
        self.users[email] = user
        self.passwords[email] = password
        return user

    def add_project(self, project_id: str, **given: Any) -> Project:
        """A project; *given* are ``name account language creator`` and maybe ``description status``."""
        usual = {"description": "", "status": "active", "created": self.stamp()}
        about = {"url": f"{PUBLIC}/projects/{project_id}/", **usual, **given}
        self.projects[project_id] = Project(about)
        return self.projects[project_id]

    def new_code(self, noun: str) -> str:
        """Eight lower-case letters and digits, as projects have."""
        return hashlib.sha256(f"{noun} {self.next(noun)}".encode()).hexdigest()[:8]

    def login(self, username: str) -> exchange.Record:
        """The user's token: the one that is still good, else a new one for two weeks."""
        for kept in list(self.tokens.values()):
            if kept["user"] == username and kept["until"] > self.clock.now():
                return kept
        self.logout(username)
        text = hashlib.sha256(f"{username} {self.next('token')} {self.clock.now()}".encode()).hexdigest()[:40]
        until = self.clock.now() + TOKEN_LIFE
        self.tokens[text] = {"token": text, "user": username, "expiration": self.stamp(until), "until": until}
        return self.tokens[text]

    def logout(self, username: str) -> None:
        """The user's tokens are void."""
        self.tokens = {text: kept for text, kept in self.tokens.items() if kept["user"] != username}

    def user_of(self, ask: exchange.Ask) -> exchange.Record:
        """Who asks, or 401; 403 for one who must change the password first."""
        kept = self.tokens.get(django.token(ask))
        if kept is None or kept["until"] <= self.clock.now():
            raise django.refuse(401)
        user = self.users[kept["user"]]
        if user["must_reset_password"] and not ask.path.endswith("/password/"):
            raise django.refuse(403, "You must reset your password.")
        return user

    def may(self, user: exchange.Record, account: str, level: str) -> bool:
        """Whether *user* has *level* or more on *account*; a site admin has everything."""
        held = [
            p["level"]
            for p in self.permissions.values()
            if (p["user"], p["account"]) == (user["email"], account)
        ]
        return bool(user["admin"]) or any(LEVELS.index(one) >= LEVELS.index(level) for one in held)

    def ordered(self, messages: Iterable[exchange.Record]) -> list[exchange.Record]:
        """*messages*, kept in the order in which they came, as listings show them."""
        kept = list(messages)
        if self.order == "written":
            return sorted(kept, key=lambda message: message["at"], reverse=True)
        return kept if self.order == "oldest" else kept[::-1]

    def manages(self, user: exchange.Record, email: str) -> bool:
        """Whether *user* manages an account that the user *email* has a permission on; a site admin does."""
        shared = [p["account"] for p in self.permissions.values() if p["user"] == email]
        return bool(user["admin"]) or any(self.may(user, account, "manage") for account in shared)

    def project(self, ask: exchange.Ask, project_id: str) -> Project:
        """The project, if whoever asks may read (GET) or write it: 404 unknown or hidden, 403 otherwise."""
        user = self.user_of(ask)
        project = self.projects.get(project_id)
        if project is None or not self.may(user, project.about["account"], "read"):
            raise django.refuse(404)
        if ask.method not in ("GET", "HEAD") and not self.may(user, project.about["account"], "readwrite"):
            raise django.refuse(403)
        return project


def parse_time(value: Any, field_name: str) -> int:
    """An instant from ISO text or epoch seconds (numbers or text), else 400."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value * times.SECOND)
        if isinstance(value, str) and value.replace(".", "", 1).isdigit() and len(value) > 4:
            return int(float(value) * times.SECOND)
        if isinstance(value, str):
            # A plus sign that was not escaped in a query arrives as a space.
            return times.parse_rfc3339(_SPACED_OFFSET.sub(r"\1+\2", value))
    except (ValueError, OverflowError):
        pass
    raise django.invalid(**{field_name: "Datetime has wrong format."})


def time_argument(ask: exchange.Ask, name: str) -> int | None:
    """A time of the query; None if it is not given."""
    return parse_time(ask.query[name], name) if ask.query.get(name) else None


def items(ask: exchange.Ask) -> list[exchange.Record]:
    """The body's objects: one, or a list of them; 400 for anything else."""
    body = ask.body if isinstance(ask.body, list) else [ask.body if ask.body is not None else {}]
    if not all(isinstance(item, dict) for item in body):
        raise django.invalid(non_field_errors="Invalid data. Expected a dictionary.")
    return body


def found(things: dict[int, exchange.Record], thing_id: str) -> exchange.Record:
    """One of *things* by its number, or 404."""
    thing = things.get(exchange.whole(thing_id, -1))
    if thing is None:
        raise django.refuse(404)
    return thing
