"""Popily, simulated: tokens, sources with their status, users, as in the Popily API text.

``popily_insights`` holds what is found in a finished source. A source's status is computed from the
clock when it is read: inspecting, calculating, then finished or error.
"""

from typing import Any

import orjson

from daemon.model import times
from daemon.sandbox import django, exchange, popily_insights

TOKEN = "5a9db0x-popily-sandbox-token-00000000001"  # noqa: S105 - the sandbox's own, good for nothing else
PUBLIC = "http://popily.com/api"
"""What ``next`` names: another scheme and host than the API's, as in the document."""
OWNER = 3
DATA_TYPES = "category numeric currency datetime country state coordinate zipcode rowlabel".split()
SOURCE_TYPES = ("e_csv", "e_xls", "e_json", "sql")
TEXTS = ("url", "title", "description", "type", "sheetname", "connection_string", "query")
DURATIONS = {"inspecting": 5 * times.SECOND, "calculating": 25 * times.SECOND}


class Popily:
    """One Popily account and the users it made."""

    kind = "popily"
    base_path = "/api"

    def __init__(self, clock: times.Clock) -> None:
        self.clock = clock
        self.token = TOKEN
        self.reset()
        self._routes = exchange.Routes(
            ("GET", "/sources/", self.list_sources),
            ("POST", "/sources/", self.add_source),
            ("GET", "/sources/{}/", self.get_source),
            ("GET", "/users/", self.list_users),
            ("POST", "/users/", self.create_user),
            ("GET", "/users/{}/", self.get_user),
            ("GET", "/insights/", self.list_insights),
            ("GET", "/insights/{}/", self.get_insight),
            ("PUT", "/insights/{}/", self.customize_insight),
        )

    def reset(self) -> None:
        """One user, no source."""
        owner = {"id": OWNER, "username": "sandbox", "email": "ada@example.com", "groups_member": ["default"]}
        self.users: dict[int, exchange.Record] = {OWNER: owner}
        self.tokens = {TOKEN: OWNER}
        self.sources: dict[int, exchange.Record] = {}
        self.courses: dict[int, exchange.Record] = {}
        self.customizations: dict[tuple[int, str], exchange.Record] = {}
        self.durations = dict(DURATIONS)
        self.outcome = "finished"
        self._last = {"source": 2278, "column": 29300, "user": OWNER}

    def state(self) -> exchange.Record:
        """Sources with their status now, users, settings."""
        return {
            "sources": [self.shown(source) for source in self.sources.values()],
            "users": list(self.users.values()),
            "customizations": [
                {"insight": i, "filters_key": k, **v} for (i, k), v in self.customizations.items()
            ],
            "durations": self.durations,
            "outcome": self.outcome,
        }

    def answer(self, ask: exchange.Ask) -> exchange.Reply:
        """One request with a good token."""
        if django.token(ask) not in self.tokens:
            raise django.refuse(401)
        if ask.method in ("POST", "PUT"):
            django.check_body(ask, django.JSON, django.MULTIPART)
        return django.dispatch(self._routes, ask)

    def trouble(self, status: int) -> exchange.Reply:
        """Errors as the framework words them; 5xx are a page."""
        if status >= 500:
            return exchange.Reply(status, b"<h1>Server Error</h1>", content_type="text/html")
        return django.detail(status)

    def list_sources(self, ask: exchange.Ask) -> exchange.Reply:
        """A page, oldest first."""
        return django.page(ask, list(self.sources.values()), f"{PUBLIC}/sources/", self.shown)

    def get_source(self, ask: exchange.Ask, source_id: str) -> exchange.Reply:
        """One source, by id or slug."""
        return exchange.Reply(200, self.shown(self.source(source_id)))

    def add_source(self, ask: exchange.Ask) -> exchange.Reply:
        """From a URL, a file (part ``data``), a connection string with its query, or rows."""
        body = ask.record()
        if ask.body is not None and not isinstance(ask.body, dict):
            raise django.invalid(non_field_errors="Invalid data. Expected a dictionary.")
        django.check_text(body, *TEXTS)
        self._check_origin(ask, body)
        columns = self._columns(ask, body)
        creator = exchange.whole(body.get("created_by") or self._asking(ask), 0)
        if creator not in self.users:
            raise django.invalid(created_by=f'Invalid pk "{body["created_by"]}" - object does not exist.')
        source = self._new_source(ask, body, columns, creator)
        self.sources[source["id"]] = source
        course = {"at": self.clock.now(), "outcome": self.outcome, "fixed": None, **self.durations}
        self.courses[source["id"]] = course
        return exchange.Reply(201, self.shown(source), "source.added", str(source["id"]))

    def list_users(self, ask: exchange.Ask) -> exchange.Reply:
        """A page of users."""
        return django.page(ask, list(self.users.values()), f"{PUBLIC}/users/")

    def get_user(self, ask: exchange.Ask, user_id: str) -> exchange.Reply:
        """One user."""
        user = self.users.get(exchange.whole(user_id, -1))
        if user is None:
            raise django.refuse(404)
        return exchange.Reply(200, user)

    def create_user(self, ask: exchange.Ask) -> exchange.Reply:
        """A user with a token of its own. Usernames are unique; that a clash is refused, not renamed, is
        inferred."""
        body = ask.record()
        django.require(body, "username")
        django.check_text(body, "username", "email")
        if any(user["username"] == body["username"] for user in self.users.values()):
            raise django.invalid(username="A user with that username already exists.")
        number = self._next("user")
        groups = body.get("groups_member") or []
        if not isinstance(groups, list):
            raise django.invalid(groups_member="Expected a list of items.")
        groups = [*groups, "default"]
        user = {
            "id": number,
            "username": body["username"],
            "email": body.get("email"),
            "groups_member": groups,
        }
        self.users[number] = user
        self.tokens[f"sandbox-user-token-{number:021d}"] = number
        return exchange.Reply(201, user, "user.created", str(number))

    def list_insights(self, ask: exchange.Ask) -> exchange.Reply:
        """A page of the source's insights, or with ``single`` one of them."""
        if not ask.query.get("source"):
            raise django.invalid(source=django.REQUIRED)
        source = self.source(ask.query["source"])
        found = popily_insights.matching(self.insights(source), ask.query)
        if "single" not in ask.query:
            return django.page(ask, found, f"{PUBLIC}/insights/", lambda insight: self._told(ask, insight))
        if not found:
            status = self.shown(source)["status"]
            return exchange.Reply(200, {"insight": "not found", "source_status": status})
        return exchange.Reply(200, self._told(ask, found[0], detail=True))

    def get_insight(self, ask: exchange.Ask, insight_id: str) -> exchange.Reply:
        """One insight. Customisation fields in the query are kept (vendor's tests set a title by GET)."""
        insight = self.insight(insight_id)
        given = popily_insights.customization(dict(ask.query))
        if given:
            self._customize(ask, insight, given)
        effect = "insight.customized" if given else None
        return exchange.Reply(200, self._told(ask, insight, detail=True), effect, str(insight["id"]))

    def customize_insight(self, ask: exchange.Ask, insight_id: str) -> exchange.Reply:
        """Title, labels, order …, for the insight or for one set of filters on it."""
        insight = self.insight(insight_id)
        self._customize(ask, insight, popily_insights.customization(ask.record()))
        told = self._told(ask, insight, detail=True)
        return exchange.Reply(200, told, "insight.customized", str(insight["id"]))

    def insights(self, source: exchange.Record) -> list[exchange.Record]:
        """What has been found in *source*: nothing before it is finished."""
        return popily_insights.of(source) if self.shown(source)["status"] == "finished" else []

    def insight(self, insight_id: str) -> exchange.Record:
        """The insight by id, or 404."""
        for source in self.sources.values():
            for insight in self.insights(source):
                if str(insight["id"]) == insight_id:
                    return insight
        raise django.refuse(404)

    def source(self, source_id: str) -> exchange.Record:
        """The source by id or slug, or 404."""
        for source in self.sources.values():
            if source_id in (str(source["id"]), source["slug"]):
                return source
        raise django.refuse(404)

    def shown(self, source: exchange.Record) -> exchange.Record:
        """The source with its status at this moment."""
        return {**source, "status": status_at(self.courses[source["id"]], self.clock.now())}

    def _told(self, ask: exchange.Ask, insight: exchange.Record, detail: bool = False) -> exchange.Record:
        key = popily_insights.filters_key(ask.query.get("filters") or ask.record().get("filters") or "")
        kept = self.customizations.get((insight["id"], key), {})
        now = self.clock.now() // times.SECOND
        return popily_insights.told(
            {**insight, **kept, "filters_key": key}, ask.query, now if detail else None
        )

    def _customize(self, ask: exchange.Ask, insight: exchange.Record, given: exchange.Record) -> None:
        key = popily_insights.filters_key(ask.query.get("filters") or ask.record().get("filters") or "")
        self.customizations.setdefault((insight["id"], key), {}).update(given)

    def _asking(self, ask: exchange.Ask) -> int:
        return self.tokens[django.token(ask)]

    def _check_origin(self, ask: exchange.Ask, body: exchange.Record) -> None:
        if body.get("type") is not None and body["type"] not in SOURCE_TYPES:
            raise django.invalid_choice("type", body["type"])
        if body.get("connection_string") and not body.get("query"):
            raise django.invalid(query=django.REQUIRED)
        if body.get("query") and not body.get("connection_string"):
            raise django.invalid(connection_string=django.REQUIRED)
        if body.get("url") and not str(body["url"]).startswith(("http://", "https://")):
            raise django.invalid(url="Enter a valid URL.")
        rows = body.get("rows")
        if not (body.get("url") or body.get("connection_string") or "data" in ask.files or rows):
            raise django.invalid(
                non_field_errors="A source needs a url, a file, rows or a connection_string."
            )

    def _columns(self, ask: exchange.Ask, body: exchange.Record) -> list[exchange.Record]:
        """A list in JSON; in multipart one part for each column, each a JSON object."""
        given: Any = body.get("columns") or []
        if ask.files or ask.fields:
            try:
                given = [orjson.loads(text) for name, text in ask.fields if name == "columns"]
            except orjson.JSONDecodeError:
                raise django.invalid(columns="Value must be valid JSON.") from None
        if not isinstance(given, list) or not all(isinstance(column, dict) for column in given):
            raise django.invalid(columns="Expected a list of items.")
        return [self._column(column) for column in given]

    def _column(self, given: exchange.Record) -> exchange.Record:
        header, kind = given.get("column_header"), given.get("data_type")
        if not isinstance(header, str) or not header:
            raise django.invalid(columns="column_header: This field is required.")
        if kind not in DATA_TYPES:
            raise django.invalid(columns=f'data_type: "{kind}" is not a valid choice.')
        return {"id": self._next("column"), "column_header": header, "data_type": kind, "score": 0.0}

    def _new_source(
        self, ask: exchange.Ask, body: exchange.Record, columns: list[exchange.Record], creator: int
    ) -> exchange.Record:
        number = self._next("source")
        upload = ask.files.get("data")
        title = (
            body.get("title")
            or (upload.filename if upload else None)
            or body.get("url")
            or f"Source {number}"
        )
        slug = exchange.free_slug(str(title), {source["slug"] for source in self.sources.values()})
        named = ("description", "url", "sheetname", "connection_string", "query")
        return {
            "id": number,
            "slug": slug,
            "title": str(title),
            "columns": columns,
            "created_by": creator,
            "explore_path": f"/explore/source/{slug}/discoveries/",
            "type": body.get("type") or ("sql" if body.get("query") else "e_csv"),
            **{name: body.get(name) for name in named},
        }

    def _next(self, noun: str) -> int:
        self._last[noun] += 1
        return self._last[noun]


def status_at(course: exchange.Record, now: int) -> str:
    """A source's status at the instant *now*: fixed by hand, or by how long ago it was added."""
    if course["fixed"]:
        return str(course["fixed"])
    age = now - course["at"]
    if age < course["inspecting"]:
        return "inspecting"
    if age < course["inspecting"] + course["calculating"]:
        return "calculating"
    return str(course["outcome"])
