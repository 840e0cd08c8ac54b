"""Compass, simulated: login, tokens, projects and documents, as in the Compass API text.

``compass_classifiers``, ``compass_messages`` and ``compass_topics`` hold what is in a project,
``compass_people`` the users. Every path ends in a slash; bodies are JSON or forms.
"""

from daemon.model import times
from daemon.sandbox import (
    compass_classifiers,
    compass_instance,
    compass_messages,
    compass_people,
    compass_topics,
    django,
    exchange,
)

USERNAME = compass_instance.USERNAME
PROJECT_ID = compass_instance.PROJECT_ID
STATUSES = ("active", "inactive")


class Compass(compass_instance.Instance):
    """The Compass API over one instance."""

    kind = "compass"
    base_path = "/api"

    def __init__(self, clock: times.Clock) -> None:
        super().__init__(clock)
        self._routes = exchange.Routes(
            ("POST", "/login/", self.log_in),
            ("GET", "/tokens/", self.list_tokens),
            ("GET", "/tokens/{}/", self.get_token),
            ("DELETE", "/tokens/{}/", self.delete_token),
            ("GET", "/projects/", self.list_projects),
            ("POST", "/projects/", self.create_project),
            ("GET", "/projects/{}/", self.get_project),
            ("PUT", "/projects/{}/", self.update_project),
            ("DELETE", "/projects/{}/", self.delete_project),
            ("GET", "/projects/{}/p/documents/", self.list_documents),
            ("POST", "/projects/{}/p/documents/", self.add_documents),
            *compass_classifiers.rows(self),
            *compass_messages.rows(self),
            *compass_topics.rows(self),
            *compass_people.rows(self),
        )

    def state(self) -> exchange.Record:
        """People without their passwords, projects with all that is in them."""
        projects = {
            project_id: {
                "project": project.about,
                "documents": project.documents,
                "classifiers": [compass_classifiers.shown(self, c) for c in project.classifiers.values()],
                "topics": list(project.topics.values()),
                "messages": [compass_messages.shown(m) for m in project.messages.values()],
                "config": project.config,
            }
            for project_id, project in self.projects.items()
        }
        people = {"users": list(self.users.values()), "accounts": list(self.accounts.values())}
        return {**people, "permissions": list(self.permissions.values()), "projects": projects}

    def answer(self, ask: exchange.Ask) -> exchange.Reply:
        """One request; all but the login need a token, which is looked at before the path."""
        if ask.path not in ("/login/", "/login"):
            self.user_of(ask)
        if ask.method in ("POST", "PUT"):
            django.check_body(ask, django.JSON, django.FORM, django.MULTIPART)
        return django.dispatch(self._routes, ask)

    def trouble(self, status: int) -> exchange.Reply:
        """Errors as the framework words them; some 50x are not JSON (Compass text)."""
        if status >= 500:
            return exchange.Reply(status, b"<h1>Server Error</h1>", content_type="text/html")
        return django.detail(status)

    def log_in(self, ask: exchange.Ask) -> exchange.Reply:
        """The token there is, or a new one. A wrong password is a 400, as the framework's own login."""
        body = ask.record()
        django.require(body, "username", "password")
        username = str(body["username"])
        if self.passwords.get(username) != str(body["password"]):
            raise django.invalid(non_field_errors="Unable to log in with provided credentials.")
        return exchange.Reply(200, self.session(username))

    def session(self, username: str) -> exchange.Record:
        """What a login answers."""
        kept = self.login(username)
        user = compass_people.shown(self, self.users[username])
        return {"token": kept["token"], "user": user, "expiration": kept["expiration"]}

    def list_tokens(self, ask: exchange.Ask) -> exchange.Reply:
        """One's own; a site admin sees all."""
        user = self.user_of(ask)
        mine = [t for t in self.tokens.values() if user["admin"] or t["user"] == user["email"]]
        wanted = ask.query.get("user")
        kept = [t for t in mine if wanted in (None, t["user"]) and t["until"] > self.clock.now()]
        return django.page(ask, kept, f"{compass_instance.PUBLIC}/tokens/", token_shown)

    def get_token(self, ask: exchange.Ask, token: str) -> exchange.Reply:
        """A token of one's own."""
        return exchange.Reply(200, token_shown(self._own_token(ask, token)))

    def delete_token(self, ask: exchange.Ask, token: str) -> exchange.Reply:
        """Void at once, the one that asks too."""
        user = self._own_token(ask, token)["user"]
        del self.tokens[token]
        return exchange.Reply(204, None, "token.deleted", user)

    def _own_token(self, ask: exchange.Ask, token: str) -> exchange.Record:
        user = self.user_of(ask)
        kept = self.tokens.get(token)
        if kept is None or kept["user"] != user["email"]:
            raise django.refuse(404)
        return kept

    def list_projects(self, ask: exchange.Ask) -> exchange.Reply:
        """Those one may read, filtered by ``account`` and ``status``."""
        user = self.user_of(ask)
        mine = [p.about for p in self.projects.values() if self.may(user, p.about["account"], "read")]
        for name in ("account", "status"):
            mine = [about for about in mine if ask.query.get(name) in (None, "", about[name])]
        return django.page(ask, mine, f"{compass_instance.PUBLIC}/projects/")

    def create_project(self, ask: exchange.Ask) -> exchange.Reply:
        """``name account language`` needed; names may repeat."""
        body = ask.record()
        django.require(body, "name", "account", "language")
        django.check_text(body, "name", "account", "language", "description")
        user = self.user_of(ask)
        if body["account"] not in self.accounts:
            raise django.invalid(account=f"Invalid pk '{body['account']}' - object does not exist.")
        if not self.may(user, body["account"], "readwrite"):
            raise django.refuse(403)
        _check_status(body)
        given = {n: body[n] for n in ("name", "account", "language", "description", "status") if n in body}
        project_id = self.new_code("project")
        about = self.add_project(project_id, creator=user["email"], **given).about
        return exchange.Reply(201, about, "project.created", project_id)

    def get_project(self, ask: exchange.Ask, project_id: str) -> exchange.Reply:
        """One project."""
        return exchange.Reply(200, self.project(ask, project_id).about)

    def update_project(self, ask: exchange.Ask, project_id: str) -> exchange.Reply:
        """``name description status``."""
        about = self.project(ask, project_id).about
        body = ask.record()
        django.check_text(body, "name", "description")
        _check_status(body)
        about.update({n: body[n] for n in ("name", "description", "status") if n in body})
        return exchange.Reply(200, about, "project.updated", project_id)

    def delete_project(self, ask: exchange.Ask, project_id: str) -> exchange.Reply:
        """With everything in it."""
        self.project(ask, project_id)
        del self.projects[project_id]
        return exchange.Reply(204, None, "project.deleted", project_id)

    def list_documents(self, ask: exchange.Ask, project_id: str) -> exchange.Reply:
        """A page, filtered by ``label`` and ``dataset``; the text is not told again (Compass text)."""
        documents = self.project(ask, project_id).documents
        for name in ("label", "dataset"):
            documents = [d for d in documents if ask.query.get(name) in (None, "", d[name])]
        url = f"{compass_instance.PUBLIC}/projects/{project_id}/p/documents/"
        return django.page(ask, documents, url, document_shown)

    def add_documents(self, ask: exchange.Ask, project_id: str) -> exchange.Reply:
        """One, or a list of them, all or none; answered in kind."""
        project = self.project(ask, project_id)
        given = compass_instance.items(ask)
        for body in given:
            django.require(body, "text")
            django.check_text(body, "text", "label", "dataset")
        made = [self._document(project_id, project, body) for body in given]
        project.documents += made
        told = [document_shown(document) for document in made]
        ids = ",".join(str(document["id"]) for document in made)
        return exchange.Reply(201, told if isinstance(ask.body, list) else told[0], "documents.added", ids)

    def _document(
        self, project_id: str, project: compass_instance.Project, body: exchange.Record
    ) -> exchange.Record:
        number = self.next("document")
        return {
            "url": f"{compass_instance.PUBLIC}/projects/{project_id}/p/documents/{number}/",
            "id": number,
            "text": str(body["text"]),
            "label": body.get("label"),
            "dataset": body.get("dataset"),
            "language": project.about["language"],
        }


def document_shown(document: exchange.Record) -> exchange.Record:
    """A document without its text."""
    return {k: v for k, v in document.items() if k != "text"}


def token_shown(kept: exchange.Record) -> exchange.Record:
    """A token as the API tells it."""
    return {k: kept[k] for k in ("token", "user", "expiration")}


def _check_status(body: exchange.Record) -> None:
    if body.get("status", "active") not in STATUSES:
        raise django.invalid_choice("status", body["status"])
