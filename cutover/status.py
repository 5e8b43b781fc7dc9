"""How far the replication is, as DMS and CloudWatch tell it; looking changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cutover.migration import Migration
from cutover.servers import shape


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    table: str
    state: str
    loaded: int
    inserts: int
    updates: int
    deletes: int
    validation: str
    failed: int
    suspended: int


@dataclass(frozen=True, kw_only=True)
class Status:
    forward: str
    reverse: str
    percent: int
    load_seconds_left: float | None
    """Forecast; None when the load has ended or has not moved yet."""
    lag_seconds: float | None
    lag_small_in_seconds: float | None
    """Forecast of when the lag is under its threshold: 0 if it is, None if it does not shrink."""
    tables: tuple[TableStatus, ...]
    schema_differences: tuple[str, ...] = ()
    """What was changed on one side only since the schema was created; `validate` refuses it."""

    def sentence(self) -> str:
        parts = [f"forward task {self.forward}", f"reverse task {self.reverse}", f"full load {self.percent} %"]
        if self.load_seconds_left is not None:
            parts.append(f"about {self.load_seconds_left / 60:,.0f} min of load left")
        if self.lag_seconds is not None:
            parts.append(f"lag {self.lag_seconds:,.0f} s")
            if self.lag_small_in_seconds is None:
                parts.append("not shrinking")
            elif self.lag_small_in_seconds > 0:
                parts.append(f"under the threshold in about {self.lag_small_in_seconds / 60:,.0f} min")
        if self.schema_differences:
            parts.append(f"THE SCHEMAS DIFFER in {len(self.schema_differences)} things: {self.schema_differences[0]}")
        return ", ".join(parts)


def forecast_seconds(values: Sequence[float], every_seconds: float, threshold: float) -> float | None:
    """When a falling series of lags, oldest first, will be under `threshold`; None if it does not fall."""
    if not values or values[-1] <= threshold:
        return 0.0 if values else None
    if len(values) < 2:
        return None
    fall = (values[0] - values[-1]) / ((len(values) - 1) * every_seconds)
    return (values[-1] - threshold) / fall if fall > 0 else None


def read_status(migration: Migration, *, schemas: bool = False) -> Status:
    """`schemas`: the target has its schema and the source serves, so that the two are compared."""
    stack, aws = migration.stack, migration.aws
    forward, reverse = aws.task(stack.forward_task_arn), aws.task(stack.reverse_task_arn)
    told = forward.get("ReplicationTaskStats", {})
    percent = int(told.get("FullLoadProgressPercent", 0))
    elapsed = float(told.get("ElapsedTimeMillis", 0)) / 1000
    lags = aws.latencies(stack.forward_task_arn, stack.replication_instance_arn)
    return Status(
        forward=str(forward["Status"]),
        reverse=str(reverse["Status"]),
        percent=percent,
        load_seconds_left=elapsed * (100 - percent) / percent if 0 < percent < 100 else None,
        lag_seconds=lags[-1] if lags else None,
        lag_small_in_seconds=forecast_seconds(lags, 60, migration.limits.max_lag_seconds),
        tables=tuple(
            TableStatus(
                table=f"{item['SchemaName']}.{item['TableName']}",
                state=str(item.get("TableState", "")),
                loaded=int(item.get("FullLoadRows", 0)),
                inserts=int(item.get("Inserts", 0)),
                updates=int(item.get("Updates", 0)),
                deletes=int(item.get("Deletes", 0)),
                validation=str(item.get("ValidationState", "")),
                failed=int(item.get("ValidationFailedRecords", 0)),
                suspended=int(item.get("ValidationSuspendedRecords", 0)),
            )
            for item in aws.table_statistics(stack.forward_task_arn)
        ),
        schema_differences=_differences(migration) if schemas else (),
    )


def _differences(migration: Migration) -> tuple[str, ...]:
    shapes = [shape.read_shape(migration.server(role), migration.stack.schemas) for role in ("source", "target")]
    return tuple(map(str, shape.compare(*shapes)))
