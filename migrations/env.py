"""Alembic's entry: runs the migrations on the connection that ``daemon.journal.migrate`` hands over."""

from alembic import context

from daemon.journal.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
