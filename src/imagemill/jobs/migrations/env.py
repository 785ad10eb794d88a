"""What Alembic runs to migrate: everything within the one transaction that `schema` opened."""

from alembic import context

from imagemill.jobs.tables import metadata

# SQLite rolls back DDL as PostgreSQL does, and alters a table by copying it ("batch").
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
