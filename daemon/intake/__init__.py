"""From the outside to the journal: callbacks, polls and the clock become events.

``admission`` is the group commit in front of which every 2xx waits; ``webhooks`` the public listener;
``watches`` polls what is due; ``schedules`` turns the clock into events. Behind them come the journal and
the router.
"""
