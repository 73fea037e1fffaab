"""Run by Alembic: migrates over the connection it is handed, within that connection's transaction."""

from alembic import context

from fhir_rpm.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
