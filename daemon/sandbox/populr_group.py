"""A Populr group as it is kept: templates, pops, assets, domains; and Populr's words for errors.

Stands under ``populr`` and its ``populr_*`` neighbours, which act on a :class:`Group`.
"""

from typing import Any

from daemon.model import times
from daemon.sandbox import exchange

API_KEY = "SANDBOXA-POPULRKE-YABCDEFG"
GROUP = {"id": "51536582dd02dcccf9000000", "name": "Sandbox"}
DEFAULT_DOMAIN = "sandbox.populr.me"
ELSEWHERE = "taken.example.com"
"""A domain that some other group has; adding it is refused."""
PAGE_SIZE = 50  # the default of the vendor's Ruby and .NET clients

TEMPLATES: list[exchange.Record] = [
    {
        "_id": "51536582dd02dcccf9000001",
        "name": "City page",
        "title": "News for a city",
        "api_tags": ["city", "signups"],
        "api_regions": {},
    },
    {
        "_id": "51536582dd02dcccf9000002",
        "name": "Brochure",
        "title": "Brochure",
        "api_tags": ["first_name", "last_name"],
        "api_regions": {
            "image_region": {"type": "image"},
            "document_region": {"type": "document"},
            "map_region": {"type": "embed"},
        },
    },
]


class Group:
    """One Populr group. State stands in plain dictionaries by id; ``settings`` are the control API's."""

    def __init__(self, clock: times.Clock) -> None:
        self.clock = clock
        self.api_key = API_KEY
        self.reset()

    def reset(self) -> None:
        """The two templates, one domain, nothing else."""
        self.templates = {t["_id"]: self._template(t) for t in TEMPLATES}
        self.pops: dict[str, exchange.Record] = {}
        self.tracers: dict[str, dict[str, exchange.Record]] = {}
        self.timers: dict[str, exchange.Record] = {}
        self.assets: dict[str, exchange.Record] = {}
        self.domains = [DEFAULT_DOMAIN]
        self.settings: exchange.Record = {
            "errors_under_200": False,
            "omit_tracer_codes": False,
            "lost_brace": False,
            "underscore_ids": False,
            "omit_counters": False,
            "wrapped_pop": False,
        }
        self._made = 0

    def state(self) -> exchange.Record:
        """Templates, pops, tracers by pop, timers by tracer, assets, domains and settings."""
        return {
            "templates": list(self.templates.values()),
            "pops": list(self.pops.values()),
            "tracers": {pop_id: list(found.values()) for pop_id, found in self.tracers.items()},
            "timers": self.timers,
            "assets": list(self.assets.values()),
            "domains": self.domains,
            "settings": self.settings,
        }

    def template(self, template_id: str) -> exchange.Record:
        """The template, or 404."""
        return self.found(self.templates, template_id, "template")

    def pop(self, pop_id: str) -> exchange.Record:
        """The pop as kept, or 404."""
        return self.found(self.pops, pop_id, "pop")

    def found(self, things: dict[str, exchange.Record], thing_id: str, noun: str) -> exchange.Record:
        """One of *things*, or 404 with ``not_found`` (which the .NET client recognises)."""
        if thing_id not in things:
            raise refusal(404, "not_found", f"No {noun} with the ID {thing_id} could be found.")
        return things[thing_id]

    def new_id(self) -> str:
        """24 hexadecimal digits that begin with the second, as the document's examples do."""
        self._made += 1
        return f"{self.clock.now() // times.SECOND:08x}dd02dc42d9{self._made:06x}"

    def stamp(self) -> str:
        """Now, as Populr writes times: whole seconds, ``Z``."""
        return times.rfc3339(self.clock.now() // times.SECOND * times.SECOND)

    def _template(self, given: exchange.Record) -> exchange.Record:
        empty: exchange.Record = {
            "domain": None,
            "password": None,
            "background_image_asset_id": None,
            "label_names": [],
        }
        more = {"custom_code": "", "custom_links": [], "created_at": "2013-03-27T21:00:00Z"}
        return {**empty, **more, **given}


def error(status: int, error_type: str, text: str) -> exchange.Reply:
    """Populr's two keys."""
    return exchange.Reply(status, {"error": text, "error_type": error_type})


def refusal(status: int, error_type: str, text: str) -> exchange.Refused:
    """To be raised: the request ends with :func:`error`."""
    return exchange.Refused(error(status, error_type, text))


def domain_refusal(domain: str, known: list[str]) -> exchange.Refused:
    """To be raised: a domain that is not attached to the account."""
    text = f"The domain {domain} is not attached to your account. Available options are {', '.join(known)}."
    return refusal(400, "domain_not_available", text)


def required(body: exchange.Record, name: str) -> str:
    """The text under *name*, or ``missing_param``."""
    value = body.get(name)
    if value is None or value == "":
        raise refusal(400, "missing_param", f"Please provide a value for {name}.")
    if not isinstance(value, str):
        raise refusal(400, "request.validation", f"{name} must be a string.")
    return value


def window(ask: exchange.Ask, items: list[Any]) -> list[Any]:
    """``count`` items from ``offset``: a bare array without total or next."""
    count = exchange.whole(ask.query.get("count"), PAGE_SIZE)
    offset = exchange.whole(ask.query.get("offset"), 0)
    if count < 0 or offset < 0:
        raise refusal(400, "request.validation", "count and offset must not be negative.")
    return items[offset : offset + count]


def body(ask: exchange.Ask) -> exchange.Record:
    """The request's fields. The vendor's Ruby client sends forms, nested as Rails reads them:
    ``pop[name]``, ``pop[label_names][]``."""
    if not ask.fields:
        return ask.record()
    nested: exchange.Record = {}
    for name, value in ask.fields:
        _place(nested, [part.rstrip("]") for part in name.split("[")], value)
    return nested


def _place(into: exchange.Record, path: list[str], value: str) -> None:
    if len(path) == 1:
        into[path[0]] = value
    elif path[1] == "":
        into.setdefault(path[0], []).append(value)
    else:
        below = into.setdefault(path[0], {})
        if not isinstance(below, dict):
            raise refusal(400, "request.validation", f"{path[0]} is given twice, in two shapes.")
        _place(below, path[1:], value)
