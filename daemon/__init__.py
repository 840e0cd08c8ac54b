"""Pointsman: sends events their way.

Every arrow is a row. An event enters by the intake, is written in the journal, is routed to reactions and becomes runs,
and the runs speak to services. Between any two rooms stands the journal, so the daemon may end between any two steps
and lose nothing.

The rooms, in the order in which an event meets them:

==================  ============================================================================
``intake``          outside to journal: callbacks, polls, schedules, and their admission
``journal``         the memory; the only room that knows the database
``routing``         journal to runs: which reactions an event concerns
``running``         runs to services: a step's intent, its call, its outcome
``connectors``      one folder a service: what it can tell, what it can do
==================  ============================================================================

What they stand on:

==================  ============================================================================
``model``           what exists: events, reactions, runs, instants. Pure
``expressions``     conditions and templates, sandboxed. Pure
``contract``        what a service must offer, and the one HTTP client
``clock``           the time, cron, and being woken
``logs``            what is told to whoever reads the log
``metrics``         what is counted
==================  ============================================================================

What stands around them:

==================  ============================================================================
``config``          what the operator wrote, and where it stands in which file
``checking``        whether it is right. Pure
``app``             where all is built, started and stopped
``cli``             the command ``pointsman``, one file a noun
``web``             the admin side: health, metrics, the journal's shapes as JSON
``upkeep``          forgetting what retention says is old
``reference``       the reference, made from the schemas in the code
``sandbox``         the five services simulated, sharing nothing with the connectors
==================  ============================================================================

Which room may import which is written down in ``pyproject.toml`` and checked; why things are as they are stands in
``docs/decisions``.
"""
