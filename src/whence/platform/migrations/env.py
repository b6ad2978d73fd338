"""Runs the migrations on the connection that `whence.platform.database.upgrade` hands over."""

from alembic import context

from whence.platform.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
