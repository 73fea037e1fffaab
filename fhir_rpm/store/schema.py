"""The ledger's tables; times are ISO 8601 texts in UTC, so that every database orders and keeps them alike."""

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

HEAD = "0001"
"""The newest revision in `migrations/versions`; revisions are numbered, so a greater one is from a newer program."""

metadata = MetaData()

writes = Table(
    "writes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection", String(80), nullable=False),
    Column("patient", String(128), nullable=False),
    Column("month", String(7), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("outline", Text, nullable=False),
    Column("target", String(256)),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("reference", String(256)),
    Column("version", String(64)),
    Column("owner", String(40)),
    Column("lease_until", String(32)),
    Column("sent_at", String(32)),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    UniqueConstraint("connection", "patient", "month", "number", name="one_attempt_at_a_time"),
    Index("writes_by_state", "state"),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("write_id", Integer, ForeignKey("writes.id"), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("before", String(16)),
    Column("after", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("owner", String(40)),
    Column("reference", String(256)),
)
