"""The ledger: who may send a document now, and what became of each. Every step is one transaction that checks first."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, select, update
from sqlalchemy.exc import IntegrityError

from fhir_rpm.model.write import Move, Plan, Transition, Write, WriteKey, WriteState
from fhir_rpm.store.failures import told_apart
from fhir_rpm.store.schema import transitions, writes

_MOVES: dict[WriteState, tuple[WriteState, ...]] = {
    "planned": ("planned", "sending", "written", "failed", "needs_person"),
    "sending": ("written", "unknown", "failed", "needs_person"),
    "unknown": ("written", "failed", "needs_person"),
    "needs_person": ("planned", "written", "failed", "needs_person"),
    "written": ("written", "needs_person", "failed"),
    "failed": (),
}


class Ledger:
    """Open one with `open_ledger`; safe to share between threads, and between processes by its file.

    Every method raises ConfigurationError or UnavailableError when the database fails; nothing is then changed.
    """

    def __init__(self, engine: Engine, place: str, check: Callable[[], None] = lambda: None) -> None:
        self.place = place
        self._engine = engine
        self._check = check  # raises when what is behind the engine is no longer the ledger

    def __repr__(self) -> str:
        return f"Ledger({self.place!r})"

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def attempts(self, key: WriteKey) -> tuple[Write, ...]:
        """Every attempt at a patient's month, the latest last."""
        wanted = [writes.c[name] == value for name, value in _of(key).items()]
        with self._transaction() as connection:
            rows = connection.execute(select(writes).where(*wanted).order_by(writes.c.number)).mappings()
            return tuple(map(_write, rows))

    def listed(self, state: WriteState | None = None) -> tuple[Write, ...]:
        """All writes, or those in a state, in the order in which they were planned."""
        query = select(writes).order_by(writes.c.id)
        with self._transaction() as connection:
            rows = connection.execute(query if state is None else query.where(writes.c.state == state)).mappings()
            return tuple(map(_write, rows))

    def find(self, identity: int) -> Write | None:
        """The write of that id."""
        with self._transaction() as connection:
            row = connection.execute(select(writes).where(writes.c.id == identity)).mappings().first()
            return None if row is None else _write(row)

    def history(self, identity: int) -> tuple[Transition, ...]:
        """The steps of a write, the first one first."""
        query = select(transitions).where(transitions.c.write_id == identity).order_by(transitions.c.id)
        with self._transaction() as connection:
            rows = connection.execute(query).mappings()
            return tuple(Transition.model_validate({k: v for k, v in row.items() if k in _STEP}) for row in rows)

    def plan(self, key: WriteKey, plan: Plan, number: int, at: datetime) -> Write | None:
        """Begin attempt `number` at a month; None when another runner has begun it."""
        row = {
            **_of(key),
            **_planned(plan),
            "number": number,
            "state": "planned",
            "reason": "planned",
            "created_at": _time(at),
            "updated_at": _time(at),
        }
        try:
            with self._transaction() as connection:
                identity = connection.execute(writes.insert().values(row)).inserted_primary_key
                assert identity is not None  # noqa: S101 - both databases give it
                _append(connection, identity[0], None, Move(before=(), after="planned", reason="planned"), at)
                return _read(connection, identity[0])
        except _BegunError:
            return None

    def plan_again(self, write: Write, plan: Plan, at: datetime) -> Write | None:
        """Give a write of which nothing was ever sent a new content; None when another runner was faster."""
        if write.sent_at is not None or write.reference is not None or write.state not in ("planned", "needs_person"):
            return None
        move = Move(before=(write.state,), after="planned", reason="planned_again")
        return self._step(write, move, at, _planned(plan))

    def claim(self, write: Write, owner: str, at: datetime, lease_until: datetime) -> Write | None:
        """Record the intent to send now; None when another runner has it or its content has changed."""
        move = Move(before=("planned",), after="sending", reason="intent", owner=owner)
        values = {"owner": owner, "lease_until": _time(lease_until), "sent_at": _time(at)}
        return self._step(write, move, at, values, owned=False)

    def move(self, write: Write, move: Move, at: datetime) -> Write | None:
        """Take a step; None when the write is no longer in a state the step may begin from.

        Raises:
            ValueError: no write may ever take that step.
        """
        if any(move.after not in _MOVES[before] for before in move.before):
            raise ValueError(f"a write does not go from {'/'.join(move.before)} to {move.after}")
        learnt = {name: value for name in ("reference", "version") if (value := getattr(move, name)) is not None}
        return self._step(write, move, at, learnt)

    def _step(
        self, write: Write, move: Move, at: datetime, values: Mapping[str, Any], *, owned: bool = True
    ) -> Write | None:
        """Compare and set in one transaction: the row's state, and the content it was seen with."""
        table = writes.c
        with self._transaction() as connection:
            seen = connection.execute(select(writes).where(table.id == write.id).with_for_update()).mappings().first()
            if seen is None or seen["state"] not in move.before or seen["content_hash"] != write.content_hash:
                return None
            if owned and move.owner is not None and seen["owner"] != move.owner:
                return None
            news = {**values, "state": move.after, "reason": move.reason, "updated_at": _time(at)}
            held = (table.id == write.id) & (table.state == seen["state"])
            if connection.execute(update(writes).where(held).values(news)).rowcount != 1:
                return None
            _append(connection, write.id, seen["state"], move, at)
            return _read(connection, write.id)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with told_apart(self.place):
            self._check()
            try:
                with self._engine.begin() as connection:
                    yield connection
            except IntegrityError:
                raise _BegunError from None


class _BegunError(Exception):
    """Another runner has inserted that attempt."""


_STEP = ("at", "before", "after", "reason", "owner", "reference")


def _of(key: WriteKey) -> dict[str, str]:
    return {"connection": key.connection, "patient": key.patient, "month": key.month}


def _planned(plan: Plan) -> dict[str, Any]:
    outline = json.dumps(plan.outline, sort_keys=True)
    return {"kind": plan.kind, "content_hash": plan.content_hash, "outline": outline, "target": plan.target}


def _append(connection: Connection, identity: int, before: str | None, move: Move, at: datetime) -> None:
    step = {"write_id": identity, "at": _time(at), "before": before, "after": move.after, "reason": move.reason}
    connection.execute(transitions.insert().values(**step, owner=move.owner, reference=move.reference))


def _read(connection: Connection, identity: int) -> Write:
    return _write(connection.execute(select(writes).where(writes.c.id == identity)).mappings().one())


def _write(row: RowMapping) -> Write:
    return Write.model_validate({**row, "outline": json.loads(row["outline"])})


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
