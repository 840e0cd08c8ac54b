"""Compass (Luminoso): documents, classifiers that are trained on them, and messages that they classify.

The API: "Compass API Endpoints", Feb 16, 2018. ``client`` speaks to it and logs in, ``actions`` does what it
can, ``watches`` follows classifiers, ``events`` says what is news.
"""

from daemon.connectors.compass import client, events, watches
from daemon.connectors.compass.actions import classifiers, classify, documents, messages
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="compass",
    about="Compass: trains classifiers on documents, and classifies texts.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=(
        documents.list_documents,
        documents.add_documents,
        classifiers.list_classifiers,
        classifiers.create_classifier,
        classifiers.get_classifier,
        classifiers.update_classifier,
        classifiers.delete_classifier,
        classify.classify,
        messages.post_messages,
        messages.list_messages,
        messages.get_message,
        messages.delete_message,
        messages.purge_messages,
        requests.action(
            "compass.request",
            "Call any path of the service; its slashes are put right: single ones, and one at the end.",
        ),
    ),
    watches=(watches.classifiers,),
    events=events.ALL,
    secret_names=frozenset({"token", "password", "old_password"}),
)
