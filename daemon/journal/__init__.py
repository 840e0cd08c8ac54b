"""The memory: what happened, what runs, what is watched. The only room that knows SQLAlchemy.

* ``database``: the way in and out; ``sqlite`` and ``postgres`` are the two engines behind it.
* ``tables``, ``migrate``: the schema, and how it comes about.
* ``events``, ``runs``, ``steps``, ``watches``, ``hints``, ``schedules``, ``state``: plain functions of one connection.
* ``bulk``, ``lanes``: what makes commits cheap; ``retention``: forgetting; ``bell``: waking the loops of this process.
"""
