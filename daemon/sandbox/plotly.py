"""Plotly, simulated: version 2 of the API, its headers, users, images, search and comments.

``plotly_files``, ``plotly_grids``, ``plotly_plots`` and ``plotly_boards`` hold the files. Written from the API
text and what the vendor's published pages and clients show on the wire.
"""

import base64
import re

from daemon.model import times
from daemon.sandbox import exchange, plotly_boards, plotly_files, plotly_grids, plotly_plots, plotly_shelf

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FORMATS = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "eps": "application/postscript",
    "webp": "image/webp",
}
IMAGE_EVERY = times.SECOND
IMAGES_A_DAY = 100
SCHEMA: exchange.Record = {"traces": {"scatter": {}, "bar": {}}, "layout": {}}
SCHEMA_SHA1 = "5f0b2d3c6c1f4a5b9d5f7c3e8a1b2c3d4e5f6071"
INACTIVE = (
    "memberships organizations subscriptions jupyter-notebooks shapefiles external-images analysis extras"
).split()
_PLATFORM = re.compile(r"\S(.*\S)?")


class Plotly(plotly_shelf.Shelf):
    """The API over one user's shelf."""

    kind = "plotly"
    base_path = "/v2"

    def __init__(self, clock: times.Clock) -> None:
        super().__init__(clock)
        self._routes = exchange.Routes(
            ("GET", "/", self.list_endpoints),
            ("GET", "/users/current", self.get_current_user),
            ("GET", "/users/{}", self.get_user),
            ("GET", "/users", self.list_users),
            ("POST", "/images", self.render_image),
            ("GET", "/search", self.search),
            ("GET", "/plot-schema", self.get_plot_schema),
            ("POST", "/comments", self.create_comment),
            ("DELETE", "/comments/{}", self.delete_comment),
            *plotly_grids.rows(self),
            *plotly_plots.rows(self),
            *plotly_boards.rows(self),
            *plotly_files.rows(self),
        )

    def state(self) -> exchange.Record:
        """Every file with its content, comments, images made."""
        return {
            "files": list(self.files.values()),
            "comments": list(self.comments.values()),
            "images": len(self.image_times),
        }

    def answer(self, ask: exchange.Ask) -> exchange.Reply:
        """One request: the client's header, then who it is, then the path (with or without a slash)."""
        if not _PLATFORM.fullmatch(ask.headers.get("Plotly-Client-Platform", "")):
            raise plotly_shelf.refuse(400, "A Plotly-Client-Platform header must be present.")
        path = ask.path.rstrip("/") or "/"
        if ask.headers.get("Authorization"):
            self._check_credentials(ask)
        elif ask.method not in ("GET", "HEAD") or path == "/users/current":
            raise plotly_shelf.refuse(401, "Authentication credentials were not provided.")
        found = self._routes.find(ask.method, path)
        if found is None:
            known = self._routes.methods(path) or path.split("/")[1] in INACTIVE
            return self.trouble(405 if known else 404)
        if ask.method in ("POST", "PUT", "PATCH"):
            self._check_body(ask)
        answer, arguments = found
        return answer(ask, *arguments)

    def trouble(self, status: int) -> exchange.Reply:
        """Plotly's words for *status*; a gateway's are a page."""
        if status == 429:
            return plotly_shelf.throttled(5)
        if status in (502, 503, 504):
            return exchange.Reply(status, b"<h1>Uh oh, an error occurred</h1>", content_type="text/html")
        words = {401: "Invalid username/password.", 404: "Not found.", 405: "Method not allowed."}
        return plotly_shelf.errors(status, words.get(status, "Uh oh, an error occurred."))

    def list_endpoints(self, ask: exchange.Ask) -> exchange.Reply:
        """A map from names to addresses."""
        names = "files grids plots folders images comments plot-schema users search dashboards".split()
        return exchange.Reply(200, {name: f"{plotly_shelf.API}/{name}" for name in names})

    def get_current_user(self, ask: exchange.Ask) -> exchange.Reply:
        """Whose credentials these are."""
        return exchange.Reply(200, {"username": self.username, "email": "ada@example.com", "is_active": True})

    def get_user(self, ask: exchange.Ask, username: str) -> exchange.Reply:
        """What is public of a user."""
        if username != self.username:
            raise plotly_shelf.refuse(404, "Not found.")
        return exchange.Reply(200, {"username": username})

    def list_users(self, ask: exchange.Ask) -> exchange.Reply:
        """Whom the account may know: itself (the API text says that users can be listed, not how)."""
        return plotly_files.page(ask, [{"username": self.username}], "users")

    def render_image(self, ask: exchange.Ask) -> exchange.Reply:
        """One picture a second and a hundred a day; bytes, or base64 in JSON when ``encoded``."""
        body = ask.record()
        figure = plotly_shelf.loads(body.get("figure"), "figure")
        if not isinstance(figure, dict) or not {"data", "layout"} <= set(figure):
            raise plotly_shelf.refuse(400, "A figure must have both 'data' and 'layout'.", "figure")
        picture = body.get("format", "png")
        if picture not in FORMATS:
            raise plotly_shelf.refuse(400, f'"{picture}" is not a valid choice.', "format")
        self._count_image()
        if plotly_shelf.truth(body.get("encoded")):
            return exchange.Reply(200, {"image": base64.b64encode(PIXEL).decode()}, "image.rendered")
        return exchange.Reply(200, PIXEL, "image.rendered", content_type=FORMATS[picture])

    def search(self, ask: exchange.Ask) -> exchange.Reply:
        """Grids whose metadata have every word of ``q``; nothing else is searched (API text)."""
        words = ask.query.get("q", "").lower().split()
        grids = [
            file for file in self.files.values() if file["filetype"] == "grid" and self._reads(ask, file)
        ]
        hits = [g for g in grids if g["metadata"] and all(w in str(g["metadata"]).lower() for w in words)]
        return plotly_files.page(ask, [plotly_shelf.meta(g, self.owned(ask)) for g in hits], "search")

    def get_plot_schema(self, ask: exchange.Ask) -> exchange.Reply:
        """The schema, left out when the caller's ``sha1`` is still right."""
        modified = ask.query.get("sha1") != SCHEMA_SHA1
        told = {"sha1": SCHEMA_SHA1, "modified": modified}
        return exchange.Reply(200, {**told, "schema": SCHEMA} if modified else told)

    def create_comment(self, ask: exchange.Ask) -> exchange.Reply:
        """``fid`` and ``comment`` (field names assumed: no client of the vendor's shows them)."""
        body = ask.record()
        if not isinstance(body.get("fid"), str) or not isinstance(body.get("comment"), str):
            raise plotly_shelf.refuse(400, "fid and comment are required.")
        self.file(ask, body["fid"])
        number = max(self.comments, default=0) + 1
        comment = {"id": number, "fid": body["fid"], "comment": body["comment"], "user": self.username}
        self.comments[number] = comment
        return exchange.Reply(201, comment, "comment.created", str(number))

    def delete_comment(self, ask: exchange.Ask, number: str) -> exchange.Reply:
        """Gone; a second time is 404."""
        if self.comments.pop(exchange.whole(number, -1), None) is None:
            raise plotly_shelf.refuse(404, "Not found.")
        return exchange.Reply(204, None, "comment.deleted", number)

    def _check_credentials(self, ask: exchange.Ask) -> None:
        if not self.owned(ask):
            raise plotly_shelf.refuse(401, "Invalid username/password.")

    def _check_body(self, ask: exchange.Ask) -> None:
        if ask.body is None and not ask.unreadable:
            return
        if ask.content_type != "application/json":
            raise plotly_shelf.refuse(415, f'Unsupported media type "{ask.content_type}" in request.')
        if ask.unreadable or not isinstance(ask.body, dict):
            raise plotly_shelf.refuse(400, "JSON parse error - Expecting value.")

    def _reads(self, ask: exchange.Ask, file: exchange.Record) -> bool:
        return not file["deleted"] and (file["world_readable"] or self.owned(ask))

    def _count_image(self) -> None:
        now = self.clock.now()
        self.image_times = [at for at in self.image_times if at > now - times.DAY]
        if len(self.image_times) >= IMAGES_A_DAY:
            text = f"You have reached the threshold of {IMAGES_A_DAY} image exports per 24h."
            raise plotly_shelf.refuse(429, text)
        if self.image_times and now < self.image_times[-1] + IMAGE_EVERY:
            raise exchange.Refused(plotly_shelf.throttled(1))
        self.image_times.append(now)
