"""Populr: one-page sites (pops) made from templates, and tracers that count who opens them.

Described by the Populr API text; where it is silent or wrong, by the vendor's own Ruby and .NET clients.
``client`` speaks to it, ``actions`` does what it can, ``watches`` looks, ``webhooks`` is called,
``registering`` has it call us, and ``events`` says what is news.
"""

from daemon.connectors.populr import client, events, registering, watches, webhooks
from daemon.connectors.populr.actions import assets, collaboration, domains, pops, templates, tracers
from daemon.connectors.populr.events.pops import SECRET_FIELDS
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="populr",
    about="Populr: pages made from templates, published, and traced when they are opened.",
    settings=client.Settings,
    client=client.make,
    ping=client.ping,
    actions=(
        templates.list_templates,
        pops.list_template_pops,
        pops.list_pops,
        pops.get_pop,
        pops.create_pop,
        pops.update_pop,
        pops.delete_pop,
        pops.publish_pop,
        pops.unpublish_pop,
        tracers.create_tracer,
        tracers.get_tracer,
        assets.upload_document,
        assets.upload_image,
        assets.upload_background_image,
        assets.create_embed,
        assets.delete_document,
        assets.delete_image,
        assets.delete_background_image,
        assets.delete_embed,
        domains.list_domains,
        domains.add_domain,
        domains.delete_domain,
        collaboration.enable_collaboration,
        collaboration.disable_collaboration,
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
