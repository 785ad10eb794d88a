"""What Alembic runs to migrate: everything within the one transaction that `schema` opened, where DDL obeys one."""

from alembic import context

from imagemill.jobs.tables import metadata

connection = context.config.attributes["connection"]

# SQLite rolls back DDL as PostgreSQL does, and alters a table by copying it ("batch"). MySQL commits each statement.
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=connection.dialect.name != "mysql",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
