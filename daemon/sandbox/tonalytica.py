"""TONalytica, simulated: a Redash server, of version 10.1 unless it is told, with its keys and its odd paths.

``tonalytica_queries``, ``tonalytica_jobs`` and ``tonalytica_boards`` hold the endpoints. A bad key is
a 404, an unknown path is a 200 with a page for people: so do the real servers (recorded answers).
"""

import re

from daemon.model import times
from daemon.sandbox import (
    exchange,
    tonalytica_boards,
    tonalytica_instance,
    tonalytica_jobs,
    tonalytica_queries,
)

PAGE = b"<!DOCTYPE html><html><head><title>TONalytica</title></head><body></body></html>\n"
NOT_ALLOWED = "The method is not allowed for the requested URL."
_OF_QUERY = re.compile(r"/api/queries/(\d+)(/.*)?")


class Tonalytica(tonalytica_instance.Instance):
    """The API over one instance."""

    kind = "tonalytica"
    base_path = ""

    def __init__(self, clock: times.Clock) -> None:
        super().__init__(clock)
        self._routes = exchange.Routes(
            ("GET", "/api/session", self.get_session),
            ("GET", "/api/data_sources", self.list_data_sources),
            ("GET", "/api/data_sources/{}", self.get_data_source),
            ("GET", "/api/data_sources/{}/schema", self.get_schema),
            ("GET", "/api/users", self.list_users),
            *tonalytica_jobs.rows(self),
            *tonalytica_boards.rows(self),
            *tonalytica_queries.rows(self),
        )

    def state(self) -> exchange.Record:
        """Queries, jobs as they stand now, results, dashboards, sources."""
        tonalytica_jobs.settle(self)
        return {
            "queries": list(self.queries.values()),
            "plans": {str(number): plan for number, plan in self.plans.items()},
            "jobs": [tonalytica_jobs.shown(self, job)["job"] for job in self.jobs.values()],
            "results": list(self.results.values()),
            "dashboards": list(self.dashboards.values()),
            "alerts": list(self.alerts.values()),
            "data_sources": list(self.data_sources.values()),
        }

    def answer(self, ask: exchange.Ask) -> exchange.Reply:
        """One request: the key first, then the path. Doubled slashes are one."""
        path = re.sub("/+", "/", ask.path)
        tonalytica_jobs.settle(self)
        if not path.startswith("/api/"):
            return self._for_people(ask)
        scope = self.scope(ask, path)
        found = self._routes.find(ask.method, path)
        if found is None and self._routes.methods(path):
            return tonalytica_instance.message(405, NOT_ALLOWED)
        if found is None:
            return self._for_people(ask)
        if scope is not None:
            tonalytica_queries.check_query_key(ask.method, path)
        answer, arguments = found
        return answer(ask, *arguments)

    def trouble(self, status: int) -> exchange.Reply:
        """Errors as the framework words them; a gateway's are a page."""
        if status in (502, 503, 504):
            return exchange.Reply(status, b"<html><h1>Bad Gateway</h1></html>", content_type="text/html")
        words = {404: tonalytica_instance.NO_LOGIN, 500: "Internal Server Error", 405: NOT_ALLOWED}
        return tonalytica_instance.message(status, words.get(status, tonalytica_instance.BAD_REQUEST))

    def scope(self, ask: exchange.Ask, path: str) -> int | None:
        """None for the user's key, the query's number for a query's key on one of its own paths; 404
        otherwise. A key in the query string beats the header; the word ``Key`` is optional."""
        key = given_key(ask)
        if key == self.api_key:
            return None
        match = _OF_QUERY.fullmatch(path)
        if key and match:
            query = self.queries.get(int(match[1]))
            if query is None:
                raise tonalytica_instance.broken()
            if key == query["api_key"]:
                return int(match[1])
        raise tonalytica_instance.refuse(404, tonalytica_instance.NO_LOGIN)

    def rotate_key(self) -> str:
        """A new user key; the old one is void."""
        self.api_key = self.new_key("user")
        return self.api_key

    def get_session(self, ask: exchange.Ask) -> exchange.Reply:
        """Who the key belongs to, and the server's version."""
        user = {k: v for k, v in tonalytica_instance.USER.items() if k != "trimmed"}
        user["permissions"] = ["create_query", "edit_query", "view_query", "execute_query", "list_dashboards"]
        config = {"version": self.version, "newVersionAvailable": False}
        return exchange.Reply(
            200, {"user": user, "messages": [], "org_slug": "default", "client_config": config}
        )

    def list_data_sources(self, ask: exchange.Ask) -> exchange.Reply:
        """A plain list."""
        return exchange.Reply(200, list(self.data_sources.values()))

    def get_data_source(self, ask: exchange.Ask, source_id: str) -> exchange.Reply:
        """One source."""
        return exchange.Reply(200, tonalytica_instance.found(self.data_sources, source_id))

    def get_schema(self, ask: exchange.Ask, source_id: str) -> exchange.Reply:
        """The tables of a source with their columns: those that the first queries read."""
        tonalytica_instance.found(self.data_sources, source_id)
        return exchange.Reply(200, {"schema": tonalytica_instance.SCHEMA if source_id == "1" else []})

    def list_users(self, ask: exchange.Ask) -> exchange.Reply:
        """A page of the one user."""
        return tonalytica_instance.page(ask, [tonalytica_instance.USER])

    def _for_people(self, ask: exchange.Ask) -> exchange.Reply:
        """The front end: a page for whoever is logged in, the login for others, no writes."""
        if ask.method not in ("GET", "HEAD"):
            return exchange.Reply(405, b"<title>405 Method Not Allowed</title>", content_type="text/html")
        known = [self.api_key, *(query["api_key"] for query in self.queries.values())]
        if given_key(ask) in known:
            return exchange.Reply(200, PAGE, content_type="text/html")
        headers = {"Location": "/login?next=%2F"}
        return exchange.Reply(
            302, b"<title>Redirecting...</title>", headers=headers, content_type="text/html"
        )


def given_key(ask: exchange.Ask) -> str:
    """The key of a request as Redash looks for it: any other scheme stays in front and so fails."""
    return ask.query.get("api_key") or ask.headers.get("Authorization", "").replace("Key ", "", 1)
