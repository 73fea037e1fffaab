"""The ledger: attempts to write, and the append-only history of their states."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "writes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("connection", sa.String(80), nullable=False),
        sa.Column("patient", sa.String(128), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("outline", sa.Text, nullable=False),
        sa.Column("target", sa.String(256)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(256)),
        sa.Column("version", sa.String(64)),
        sa.Column("owner", sa.String(40)),
        sa.Column("lease_until", sa.String(32)),
        sa.Column("sent_at", sa.String(32)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.UniqueConstraint("connection", "patient", "month", "number", name="one_attempt_at_a_time"),
    )
    op.create_index("writes_by_state", "writes", ["state"])
    op.create_table(
        "transitions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("write_id", sa.Integer, sa.ForeignKey("writes.id"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("before", sa.String(16)),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("reference", sa.String(256)),
    )
    op.create_index("ix_transitions_write_id", "transitions", ["write_id"])
