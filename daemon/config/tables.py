"""The config's tables as pydantic models: every key, its form, its default, and what it is for.

``build`` validates with them, ``schema`` makes the editors' JSON Schema and the reference out of them.
Defaults are written as an operator would write them.
"""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from daemon.config import forms
from daemon.contract import guard, wording, writing
from daemon.contract.configured import Gap, Misfire, Verify

YEARS = range(1971, 9999)  # of a moment, in whatever zone it is given


def written(default: str, description: str) -> Any:
    """A field whose default is given in the form that an operator would write."""
    return Field(default=default, validate_default=True, description=description)


class Table(BaseModel):
    """A table of the config: unknown keys are errors, nothing is converted by guessing."""

    model_config = ConfigDict(
        defer_build=True, extra="forbid", strict=True, populate_by_name=True, arbitrary_types_allowed=True
    )


def _read_folder(value: Any) -> str:
    text = forms.read_filled(value)
    try:
        return writing.check_root(text)
    except ValueError as wrong:
        help = "Write a folder from the root on: /var/lib/pointsman/out."
        raise wording.expected(
            f"{wording.shorten(text)!r} is no folder to name here: {wrong}", help
        ) from None


class Daemon(Table):
    """The process itself."""

    node: forms.Title | None = Field(
        None, description="This node's name; the host's name and the process id where it is not given."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What is logged: this and what is graver."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` is `console` on a terminal and `json` elsewhere."
    )
    drain_timeout: forms.Duration = written("30s", "How long running work may take to finish after SIGTERM.")
    lease: forms.Interval = written(
        "30s", "How long a claim on a run holds, by the database's clock. A SQLite file has one daemon."
    )
    write_below: list[Annotated[str, BeforeValidator(_read_folder)]] = Field(
        default_factory=list,
        description="The folders, from the root on, below which `file.write` may write what a template names; a "
        "path that stands in the config, or begins there with a folder, needs none.",
    )
    read_below: list[Annotated[str, BeforeValidator(_read_folder)]] = Field(
        default_factory=list,
        description="The folders, from the root on, below which a template may name the file that an action sends, "
        "links resolved; a relative path is below the first. A path that stands in the config, or begins there with a "
        "folder, needs none.",
    )


class Database(Table):
    """The journal."""

    url: forms.SecretForm = written(
        "sqlite:///pointsman.db",
        "`sqlite:///FILE` or `postgresql://…`; a secret form where it holds a password. A relative file is "
        "relative to `$STATE_DIRECTORY`, else to the config file (for `/etc/pointsman/config.toml`: to "
        "`/var/lib/pointsman`). Behind PostgreSQL's may stand `?sslmode=` as libpq has it; certificates are taken "
        "from where libpq looks for them.",
    )
    max_payload: forms.Size = written(
        "8MiB",
        "The most that is kept of a result, or of an event's data: of more, the largest fields are null, "
        "`truncated` is true beside them, and `row_count` says how many `rows` there were.",
    )


def _read_host(value: Any) -> str:
    text = forms.read_filled(value)
    if (
        any(character.isspace() or character in "/@?#" for character in text.partition("/")[0])
        or "://" in text
    ):
        help = "Write a host, a host and port, or a network: api.example.com, *.example.com:8443, 10.0.0.0/8."
        raise wording.expected(f"{wording.shorten(text)!r} is no host", help)
    guard.parse_guard([text])
    return text


class HttpTable(Table):
    """What the daemon listens on, and where requests of no account may go."""

    public_listen: forms.Address = written(
        "127.0.0.1:8080", "Callbacks and nothing else; an inherited socket named `public` wins."
    )
    admin_listen: forms.OptionalAddress = written(
        "127.0.0.1:8081",
        'API, metrics and health; an inherited socket named `admin` wins, `""` turns it off.',
    )
    public_url: forms.PublicUrl | None = Field(
        None, description="How the vendors reach `public_listen`, as in `https://hooks.example.com`."
    )
    webhook_secret: forms.SecretForm | None = Field(
        None, description="The tokens in the callback URLs derive from it."
    )
    admin_token: forms.SecretForm | None = Field(
        None, description="The bearer token of the admin side, which without one answers on loopback only."
    )
    max_body: forms.Size = written("1MiB", "The largest callback that is read.")
    allow_hosts: list[Annotated[str, BeforeValidator(_read_host)]] = Field(
        default_factory=list,
        description="Where `http.request` and fetched files may go; private addresses only where named here.",
    )


class Retention(Table):
    """How long things are kept."""

    events: forms.Interval = written("90d", "How long events are kept.")
    runs: forms.Interval = written("90d", "How long finished runs are kept; dead ones until someone decides.")


class AccountTable(Table):
    """The keys that every account has, beside those of its kind."""

    kind: forms.Filled | None = Field(
        None, description="The service; the table's own name where it is not given."
    )
    timeout: forms.Interval = written("30s", "How long one call may take.")
    rate: forms.CallRate = written(
        "5/s", "Our own limit on calls; a vendor's 429 and Retry-After always count."
    )
    concurrency: int = Field(2, ge=1, le=1000, description="How many calls may be under way at once.")
    readback: bool = Field(
        True,
        description="A callback is only a hint: what it tells of is read back, and that is the event.",
    )


class WebhookTable(Table):
    """Another sender's callback, received at `POST /hooks/NAME`."""

    name: forms.Name = Field(description="Its name, in the URL and as the events' source.")
    verify: Verify = Field(description="How the sender proves itself.")
    header: forms.Header | None = Field(
        None, description="Where the signature or token is looked for, if not in the usual place."
    )
    secret: forms.SecretForm = Field(description="What the signature is made with, or the token.")
    type: forms.Filled = Field(description="The event type it produces; CloudEvents bodies keep their own.")
    key: forms.Filled | None = Field(
        None,
        description="Template over `body` for the dedupe key; else `webhook-id`, CloudEvents source and "
        "id, or the body's digest.",
    )


class WatchTable(BaseModel):
    """A remote resource that is polled. The resource's own options stand here too."""

    model_config = ConfigDict(defer_build=True, extra="allow", strict=True)
    name: forms.Title = Field(description="The watch's name.")
    service: forms.Filled = Field(description="The account.")
    resource: forms.Filled = Field(description="What is polled.")
    every: forms.Interval = Field(description="How often.")
    stalled_after: forms.Interval | None = Field(
        None, description="Tell an event when a state that is not final lasts longer."
    )
    backfill: bool = Field(False, description="Also tell what existed before the first poll.")


class CallbackTable(Table):
    """A callback that `plan` and `apply` register: a tracer's, or with `collaboration` a pop's collaborators'."""

    service: forms.Filled = Field(description="The account.")
    pop_id: forms.Filled = Field(description="The pop that it is about.")
    tracer: forms.Filled | None = Field(None, description="The name of the tracer that calls us.")
    collaboration: bool = Field(
        False, description="Whether the pop's collaborators call us when they have finished."
    )


def _read_moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        if value.year not in YEARS:
            text = f"a year from {YEARS[0]} to {YEARS[-1]} is expected, came {value.year}"
            raise wording.expected(text, "Choose another moment.")
        return value
    help = "Write it as at = 2026-12-01T09:00:00, without quotes."
    kind = "a date and time is expected"
    if isinstance(value, date | time):
        raise wording.expected(f"{kind}, came {value.isoformat()}", help)
    raise wording.expected(f"{kind}, came {wording.describe(value)}", help)


Moment = Annotated[
    datetime,
    PlainValidator(_read_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-12-01T09:00:00"]}),
]


class ScheduleTable(Table):
    """Something that fires by the clock: one of `cron`, `every` and `at`."""

    name: forms.Title = Field(description="The schedule's name, and its events' subject.")
    cron: forms.Filled | None = Field(None, description="crontab(5): minute hour day month weekday.")
    every: forms.Beat | None = Field(
        None, description="An interval of a second or more, aligned to the epoch."
    )
    at: Moment | None = Field(None, description="One moment; one in the past fires once.")
    timezone: forms.Filled = Field("UTC", description="The zone of `cron` and of an `at` without its own.")
    misfire: Misfire = Field(
        "run", description="Firings missed while down: `run` gives one firing, `skip` none."
    )
    gap: Gap = Field("after", description="A fixed local time that DST skips: `after` the gap, or `skip`.")
    data: dict[str, Any] = Field(
        default_factory=dict, description="Stands in the event beside `scheduled_for`."
    )


class RetryTable(Table):
    """How often each step is tried, and how long between."""

    attempts: int = Field(12, ge=1, le=1000, description="How often, the first time included.")
    first: forms.Interval = written("2s", "The first pause; each next one may be twice as long.")
    max: forms.Interval = written("15m", "The longest pause.")


class DoTable(Table):
    """One step of a reaction."""

    id: forms.StepId | None = Field(
        None,
        description="Later steps see `steps.ID`; else the action's own name (`create_grid`).",
    )
    action: forms.Filled = Field(description="What is done.")
    service: forms.Filled | None = Field(
        None, description="The account; the only one of its kind where it is not given."
    )
    if_: forms.Filled | None = Field(
        None, alias="if", description="Expression: the step is skipped when it is false."
    )
    with_: dict[str, Any] = Field(
        default_factory=dict, alias="with", description="The action's parameters; texts are templates."
    )


def _read_on(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str):
            help = 'Write on = "tonalytica.job.succeeded", or a list of types.'
            came = wording.describe(item)
            raise wording.expected(f"an event type, a list or a glob is expected, came {came}", help)
    if not items:
        raise wording.expected("an empty list matches no event", "Name a type, or take the reaction out.")
    return items


def _read_enabled(value: Any) -> bool:
    if value == "shadow":
        raise wording.expected('enabled = "shadow" is not built yet', "Use true or false.")
    if not isinstance(value, bool):
        raise wording.expected(f"true or false is expected, came {wording.describe(value)}")
    return value


On = Annotated[
    list[str],
    PlainValidator(_read_on),
    WithJsonSchema(
        {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]


class ReactionTable(Table):
    """A rule: on which event, when, do what."""

    name: forms.Title = Field(description="The reaction's name.")
    on: On = Field(description='An event type, a list of them, or a glob: `"populr.*"`.')
    source: forms.Filled | None = Field(
        None, description="Glob for the event's source: an account, a webhook …"
    )
    subject: forms.Filled | None = Field(None, description="Glob for the event's subject.")
    when: forms.Filled | None = Field(None, description="Expression: no run is made when it is false.")
    for_each: forms.Filled | None = Field(
        None,
        description="Expression that gives a list: a run for each `item`, 10,000 at most. What is no list, null too, "
        "is a dead run: write `… or []` where it may be null.",
    )
    timeout: forms.Interval = written("1h", "How long a run may be running and backing off in all.")
    retry: RetryTable = Field(default_factory=RetryTable, description="How failed steps are tried again.")
    on_doubt: Literal["hold", "redo"] = Field(
        "hold", description="What to do where a call's effect is unknown and cannot be looked up."
    )
    markers: bool = Field(
        True,
        description=(
            "Whether steps may leave a short mark (in a title, a description) by which a lost call is found again. "
            "Without marks, an action that is recognised by its mark alone cannot be looked for."
        ),
    )
    enabled: Annotated[bool, PlainValidator(_read_enabled), WithJsonSchema({"type": "boolean"})] = Field(
        True, description="Whether events make runs of it."
    )
    do: list[DoTable] = Field(description="The steps, in order.", min_length=1)
