"""What a service must offer, and what it is given.

``declare`` holds the forms in which a connector says what it can do (actions, watches, webhooks, events);
``errors`` the two failures of the outside; ``http`` the one client; ``secrets`` what is blanked and how.
Connectors implement this room; ``intake``, ``running``, ``checking`` and ``reference`` read it.
"""
