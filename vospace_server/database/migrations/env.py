"""How alembic runs the revisions: in the transaction of whoever asked (see upgrading.py)."""

from alembic import context

from vospace_server.database.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes tables by copying them.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
