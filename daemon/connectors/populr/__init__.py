"""Populr: one-page sites (pops) made from templates, and tracers that count who opens them.

Described by the Populr API text; where it is silent or wrong, by the vendor's own Ruby and .NET clients.
``client`` speaks to it, ``actions`` does what it can, ``watches`` looks, ``webhooks`` is called,
``registering`` has it call us, and ``events`` says what is news.
"""

from daemon.connectors.populr import client, events, registering, watches, webhooks
from daemon.connectors.populr.events.pops import SECRET_FIELDS
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="populr",
    about="Populr: pages made from templates, published, and traced when they are opened.",
    settings=client.Settings,
    client=client.make,
    ping=client.ping,
    actions=declare.listed(
        __name__,
        {
            "templates": ("populr.list_templates",),
            "pops": (
                "populr.list_template_pops",
                "populr.list_pops",
                "populr.get_pop",
                "populr.create_pop",
                "populr.update_pop",
                "populr.delete_pop",
                "populr.publish_pop",
                "populr.unpublish_pop",
            ),
            "tracers": ("populr.create_tracer", "populr.get_tracer"),
            "assets": (
                "populr.upload_document",
                "populr.upload_image",
                "populr.upload_background_image",
                "populr.create_embed",
                "populr.delete_document",
                "populr.delete_image",
                "populr.delete_background_image",
                "populr.delete_embed",
            ),
            "domains": ("populr.list_domains", "populr.add_domain", "populr.delete_domain"),
            "collaboration": ("populr.enable_collaboration", "populr.disable_collaboration"),
        },
        requests.action(
            "populr.request",
            "Call any path of Populr's API; `error_type` in the answer is a failure whatever its status.",
            {"method": "POST", "path": "/embeds", "json": {"source_html": "<p>Until Friday</p>"}},
        ),
    ),
    watches=(watches.tracers, watches.pops),
    webhooks=(webhooks.tracer, webhooks.collaboration),
    events=events.ALL,
    secret_names=SECRET_FIELDS,
    registering=registering.populr_registering,
)
