"""What Populr can tell: its objects and the data of its events, each with an example. Pure.

``tracers`` and ``pops`` beside this file compare what is found with what is remembered; ``checking`` and
``reference`` read the schemas. Field names are the Populr API text's, with ``id`` beside ``_id``.
"""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from daemon.contract import declare, secrets
from daemon.model.jsons import JsonObject


class PopSummary(BaseModel):
    """A pop, as a tracer's callback names it."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str = Field(description="The pop's id.")
    name: str | None = Field(None, description="Its name on the pops list.")
    title: str | None = Field(None, description="The title of its page.")
    slug: str | None = Field(None, description="The last part of its address.")
    domain: str | None = Field(None, description="The domain it is published on; null: the group's own.")
    published_pop_url: str | None = Field(None, description="Its public address; empty or null: none.")
    created_at: str | None = Field(None, description="When it was made, RFC 3339.")


class Pop(PopSummary):
    """A pop as the API shows it."""

    template_id: str | None = Field(None, description="The template it was made from.")
    label_names: list[str] | None = Field(None, description="Labels that filter the pops list.")
    password: secrets.SecretText | None = Field(None, description="What visitors must enter. Blanked.")
    tracers: list[Any] | None = Field(None, description="Its tracers in short: `_id created_at name`.")
    unpopulated_api_tags: list[str] | None = Field(None, description="Tags of the template still unfilled.")
    unpopulated_api_regions: Any = Field(
        None, description="Regions still empty: `{region: {type}}`, or an empty list when there are none."
    )
    custom_links: list[Any] | None = Field(None, description="Links added to the default ones.")
    custom_code: str | None = Field(None, description="Code at the end of the page.")
    background_image_asset_id: str | None = Field(None, description="The background image's asset.")
    clone_link_enabled: bool | None = Field(None, description="Whether others may clone it.")
    clone_link_url: secrets.SecretText | None = Field(None, description="Where they do. Blanked.")
    collaboration_link_enabled: bool | None = Field(None, description="Whether others may edit it.")
    collaboration_link_url: secrets.SecretText | None = Field(None, description="Where they do. Blanked.")
    collaboration_interstitial_text: str | None = Field(None, description="What new collaborators read.")
    collaboration_webhook: secrets.SecretText | None = Field(
        None, description="What is called when a collaborator has finished. Blanked: its path is a secret."
    )


class Group(BaseModel):
    """The group (account) that a callback comes from."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str | None = Field(None, description="The group's id.")
    name: str | None = Field(None, description="Its name.")


class TracerName(BaseModel):
    """Which tracer."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    id: str | None = Field(None, description="The tracer's id; null where a callback did not carry it.")
    name: str | None = Field(None, description="Its name on the tracer list.")
    code: str | None = Field(None, description="What is appended to the pop's address; null where not told.")


class Counters(BaseModel):
    """How often a pop was viewed and clicked through one tracer."""

    model_config = ConfigDict(defer_build=True, extra="allow")
    views: int = Field(0, description="Views, a count.")
    clicks: int = Field(0, description="Clicks in all, a count.")
    links: dict[str, Any] = Field(default_factory=dict, description="Clicks by link: `{url: {clicks}}`.")
    assets: dict[str, Any] = Field(
        default_factory=dict, description="Clicks by region and asset: `{region: {asset: {clicks}}}`."
    )


_POP = {
    "id": "51536c6add02dc42d9000005",
    "name": "Offer 17",
    "title": "An offer",
    "slug": "offer-17",
    "domain": None,
    "published_pop_url": "http://acme.populr.me/offer-17",
    "created_at": "2013-03-27T22:02:18Z",
}
_COUNTERS = {"views": 6, "clicks": 4, "links": {"http://www.populr.me/": {"clicks": 4}}, "assets": {}}


class TracerOpened(declare.EventData):
    """Somebody viewed a pop, or clicked in it, through a tracer: its counters rose."""

    type: ClassVar[str] = "populr.tracer.opened"
    subject: ClassVar[str] = "pop id"
    example: ClassVar[JsonObject] = {
        "pop": _POP,
        "group": {"id": "51536582dd02dcccf9000000", "name": "Acme"},
        "tracer": {"id": "51536c6add02dc42d9000009", "name": "Twitter", "code": "tc"},
        "analytics": _COUNTERS,
        "delta": {"views": 1, "clicks": 0, "links": {}, "assets": {}},
        "first": False,
        "firing": 2,
        "via": "webhook",
    }
    pop: PopSummary = Field(description="The pop.")
    group: Group | None = Field(None, description="The group; null where the API was read: it does not tell.")
    tracer: TracerName = Field(description="The tracer.")
    analytics: Counters = Field(description="The counters now.")
    delta: Counters = Field(description="By how much they rose since they were last looked at.")
    first: bool = Field(description="Whether nothing was told of this tracer before.")
    firing: int = Field(description="How many callbacks have come for this tracer; 0: none, it was polled.")
    via: Literal["webhook", "poll"] = Field(description="What made us look: a callback or an interval.")


class CallbackReceived(declare.EventData):
    """A callback arrived and is a hint to look; its verdict stands beside this event."""

    type: ClassVar[str] = "populr.callback.received"
    subject: ClassVar[str] = "pop id"
    example: ClassVar[JsonObject] = {
        "hook": "tracer",
        "body": {"pop": _POP, "tracer": {"name": "Twitter", "code": "tc", "analytics": _COUNTERS}},
        "pop_id": "51536c6add02dc42d9000005",
        "tracer_id": "51536c6add02dc42d9000009",
    }
    hook: str = Field(description="`tracer` or `collaboration`.")
    body: dict[str, Any] = Field(description="The body, secrets blanked.")
    pop_id: str = Field(description="The pop it speaks of.")
    tracer_id: str | None = Field(None, description="The tracer, where the callback's URL carried its id.")


class CollaborationFinished(declare.EventData):
    """A collaborator has finished editing a pop."""

    type: ClassVar[str] = "populr.collaboration.finished"
    subject: ClassVar[str] = "pop id"
    example: ClassVar[JsonObject] = {"pop": {**_POP, "label_names": []}, "changed": ["title"]}
    pop: Pop = Field(description="The pop, as it was posted or read back.")
    changed: list[str] = Field(
        default_factory=list, description="Names of the fields that differ from what was remembered, sorted."
    )


class PopEvent(declare.EventData):
    """What all events of the watch `pops` carry."""

    subject: ClassVar[str] = "pop id"
    example: ClassVar[JsonObject] = {"pop": _POP, "previous": {**_POP, "published_pop_url": ""}}
    pop: Pop = Field(description="The pop as it is; a deleted one as last seen.")
    previous: Pop | None = Field(None, description="The pop as it was remembered; null: it was not known.")


class PopCreated(PopEvent):
    """A pop is there that was not there before."""

    type: ClassVar[str] = "populr.pop.created"
    example: ClassVar[JsonObject] = {"pop": _POP, "previous": None}


class PopPublished(PopEvent):
    """A pop has got a public address."""

    type: ClassVar[str] = "populr.pop.published"


class PopUnpublished(PopEvent):
    """A pop has lost its public address."""

    type: ClassVar[str] = "populr.pop.unpublished"


class PopPopulated(PopEvent):
    """A pop's last open tag or region has been filled: it can be published."""

    type: ClassVar[str] = "populr.pop.populated"


class PopChanged(PopEvent):
    """Something else of a pop has changed: a title, a label, some of its open tags."""

    type: ClassVar[str] = "populr.pop.changed"


class PopDeleted(PopEvent):
    """A remembered pop does not exist any more."""

    type: ClassVar[str] = "populr.pop.deleted"


ALL: tuple[type[declare.EventData], ...] = (
    TracerOpened,
    CallbackReceived,
    CollaborationFinished,
    PopCreated,
    PopPublished,
    PopUnpublished,
    PopPopulated,
    PopChanged,
    PopDeleted,
)
