"""Compass (Luminoso): documents, classifiers that are trained on them, and messages that they classify.

The API: "Compass API Endpoints", Feb 16, 2018. ``client`` speaks to it and logs in, ``actions`` does what it
can, one file a family, ``watches`` looks at what changes by itself, ``events`` says what is news.
"""

from daemon.connectors.compass import client, events, watches
from daemon.contract import declare, requests

connector = declare.Connector(
    kind="compass",
    about="Compass: trains classifiers on documents, and classifies texts.",
    settings=client.Settings,
    client=client.make_client,
    ping=client.ping,
    actions=declare.listed(
        __name__,
        {
            "projects": (
                "compass.list_projects",
                "compass.create_project",
                "compass.get_project",
                "compass.update_project",
                "compass.delete_project",
            ),
            "documents": ("compass.list_documents", "compass.add_documents"),
            "classifiers": (
                "compass.list_classifiers",
                "compass.create_classifier",
                "compass.get_classifier",
                "compass.update_classifier",
                "compass.delete_classifier",
            ),
            "classifier_topics": (
                "compass.create_classifier_topic",
                "compass.update_classifier_topic",
                "compass.delete_classifier_topic",
            ),
            "classify": ("compass.classify",),
            "topics": (
                "compass.list_topics",
                "compass.create_topic",
                "compass.get_topic",
                "compass.update_topic",
                "compass.delete_topic",
                "compass.list_topic_messages",
                "compass.list_topics_history",
            ),
            "messages": (
                "compass.post_messages",
                "compass.list_messages",
                "compass.get_message",
                "compass.delete_message",
                "compass.purge_messages",
            ),
            "stats": ("compass.get_stats", "compass.list_usage", "compass.get_usage"),
            "config": (
                "compass.list_config",
                "compass.get_config",
                "compass.set_config",
                "compass.unset_config",
            ),
            "accounts": (
                "compass.list_accounts",
                "compass.create_account",
                "compass.get_account",
                "compass.update_account",
                "compass.delete_account",
            ),
            "users": (
                "compass.list_users",
                "compass.create_user",
                "compass.get_user",
                "compass.update_user",
                "compass.delete_user",
            ),
            "passwords": ("compass.change_password", "compass.reset_password"),
            "permissions": (
                "compass.list_permissions",
                "compass.create_permission",
                "compass.get_permission",
                "compass.delete_permission",
            ),
            "tokens": ("compass.list_tokens", "compass.get_token", "compass.delete_token"),
        },
        requests.action(
            "compass.request",
            "Call any path of the service; its slashes are put right: single ones, and one at the end.",
            {"method": "POST", "path": "/accounts/", "json": {"name": "Support"}},
        ),
    ),
    watches=(watches.classifiers, watches.topics, watches.messages, watches.stats),
    events=events.ALL,
    secret_names=frozenset({"token", "password", "old_password", "new_password"}),
)
