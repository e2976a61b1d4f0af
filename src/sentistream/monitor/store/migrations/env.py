"""Alembic's entry point; runs inside the transaction that ``migrate`` has begun.

``versions`` holds one file per migration, run in the order of their numbers. To add one: copy the
newest file, give it the next number as ``revision`` and the previous one as ``down_revision``, and
write ``upgrade``. Never change a migration once it is released, and keep it self-contained: it must
not import the table definitions, which move on.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
