"""The documents that tell a DMS task what to move and how.

They are complete, and hold no key that DMS would not give back. Either would show as a difference in every later
preview, and the provider stops a running task to apply a difference.

Three choices differ from what DMS does by itself. Large objects are moved whole, never cut. A row that cannot be
applied stops its table instead of being skipped with a line in a log. Changes are applied so that repeating one does no
harm, since a task that resumes may apply the last ones again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

CONTROL_SCHEMA = "awsdms_control"
"""Where DMS keeps its own tables on the target; its user needs all rights there."""
LOB_CHUNK_KIB = 64
INLINE_LOB_KIB = 32
"""Objects up to this size travel with their row; larger ones are fetched in chunks."""
LOADED_AT_ONCE = 8
"""Tables loaded side by side."""
VALIDATION_THREADS = 5
VALIDATION_PARTITION_ROWS = 10_000

LOG_COMPONENTS = (
    "ADDONS",
    "COMMON",
    "COMMUNICATION",
    "DATA_STRUCTURE",
    "FILE_FACTORY",
    "FILE_TRANSFER",
    "IO",
    "METADATA_MANAGER",
    "PERFORMANCE",
    "REST_SERVER",
    "SORTER",
    "SOURCE_CAPTURE",
    "SOURCE_UNLOAD",
    "TABLES_MANAGER",
    "TARGET_APPLY",
    "TARGET_LOAD",
    "TASK_MANAGER",
    "TRANSFORMATION",
    "VALIDATOR_EXT",
)
"""All of them, at the default severity: that level names tables and positions. Debug levels would write row data."""


def table_mappings(schemas: Sequence[str]) -> str:
    """The JSON that selects every table of the schemas, each named in full: ``%`` would take MySQL's own along."""
    rules = [
        {
            "rule-type": "selection",
            "rule-id": str(number),
            "rule-name": f"all-of-{schema}",
            "object-locator": {"schema-name": _literal(schema), "table-name": "%"},
            "rule-action": "include",
            "filters": [],
        }
        for number, schema in enumerate(schemas, start=1)
    ]
    return json.dumps({"rules": rules})


def task_settings() -> str:
    """The JSON settings of both tasks; the reverse task only captures changes and uses no full-load setting."""
    return json.dumps(_SETTINGS)


def _literal(schema: str) -> str:
    """A schema's name without wildcards: in a locator ``_`` stands for any character, ``[_]`` for itself."""
    return schema.replace("_", "[_]")


_SETTINGS: dict[str, Any] = {
    "TargetMetadata": {
        "TargetSchema": "",
        "SupportLobs": True,
        "FullLobMode": True,
        "LobChunkSize": LOB_CHUNK_KIB,
        "LimitedSizeLobMode": False,
        "LobMaxSize": 32,
        "InlineLobMaxSize": INLINE_LOB_KIB,
        "LoadMaxFileSize": 0,
        "ParallelLoadThreads": 0,
        "ParallelLoadBufferSize": 0,
        "BatchApplyEnabled": False,
        # Where the task is, is written to the target with the data: it resumes exactly there.
        "TaskRecoveryTableEnabled": True,
        "ParallelLoadQueuesPerThread": 0,
        "ParallelApplyThreads": 0,
        "ParallelApplyBufferSize": 0,
        "ParallelApplyQueuesPerThread": 0,
    },
    "FullLoadSettings": {
        # The schema is created beforehand: DMS carries no secondary index, default, trigger or AUTO_INCREMENT.
        "TargetTablePrepMode": "DO_NOTHING",
        "CreatePkAfterFullLoad": False,
        "StopTaskCachedChangesApplied": False,
        "StopTaskCachedChangesNotApplied": False,
        "MaxFullLoadSubTasks": LOADED_AT_ONCE,
        "TransactionConsistencyTimeout": 600,
        "CommitRate": 10_000,
    },
    "Logging": {
        "EnableLogging": True,
        "EnableLogContext": False,
        "LogComponents": [{"Id": component, "Severity": "LOGGER_SEVERITY_DEFAULT"} for component in LOG_COMPONENTS],
    },
    "ControlTablesSettings": {
        "ControlSchema": CONTROL_SCHEMA,
        "HistoryTimeslotInMinutes": 5,
        "HistoryTableEnabled": True,
        "SuspendedTablesTableEnabled": True,
        "StatusTableEnabled": True,
        "FullLoadExceptionTableEnabled": True,
    },
    "StreamBufferSettings": {"StreamBufferCount": 3, "StreamBufferSizeInMB": 8, "CtrlStreamBufferSizeInMB": 5},
    "ChangeProcessingDdlHandlingPolicy": {
        "HandleSourceTableDropped": True,
        "HandleSourceTableTruncated": True,
        "HandleSourceTableAltered": True,
    },
    "ErrorBehavior": {
        "DataErrorPolicy": "SUSPEND_TABLE",
        "EventErrorPolicy": "IGNORE",
        "DataTruncationErrorPolicy": "SUSPEND_TABLE",
        "DataErrorEscalationPolicy": "SUSPEND_TABLE",
        "DataErrorEscalationCount": 0,
        "DataMaskingErrorPolicy": "STOP_TASK",
        "TableErrorPolicy": "SUSPEND_TABLE",
        "TableErrorEscalationPolicy": "STOP_TASK",
        "TableErrorEscalationCount": 0,
        # A tunnel that fails comes back; retry for ever, at most every half hour.
        "RecoverableErrorCount": -1,
        "RecoverableErrorInterval": 5,
        "RecoverableErrorThrottling": True,
        "RecoverableErrorThrottlingMax": 1_800,
        "RecoverableErrorStopRetryAfterThrottlingMax": False,
        "ApplyErrorDeletePolicy": "IGNORE_RECORD",
        "ApplyErrorInsertPolicy": "UPDATE_RECORD",
        "ApplyErrorUpdatePolicy": "INSERT_RECORD",
        "ApplyErrorEscalationPolicy": "STOP_TASK",
        "ApplyErrorEscalationCount": 0,
        "ApplyErrorFailOnTruncationDdl": False,
        "FullLoadIgnoreConflicts": True,
        "FailOnTransactionConsistencyBreached": True,
        "FailOnNoTablesCaptured": True,
    },
    "ChangeProcessingTuning": {
        "BatchApplyPreserveTransaction": True,
        "BatchApplyTimeoutMin": 1,
        "BatchApplyTimeoutMax": 30,
        "BatchApplyMemoryLimit": 500,
        "BatchSplitSize": 0,
        "MinTransactionSize": 1_000,
        "CommitTimeout": 1,
        "MemoryLimitTotal": 1_024,
        "MemoryKeepTime": 60,
        "RecoveryTimeout": -1,
        "StatementCacheSize": 50,
    },
    "ValidationSettings": {
        "EnableValidation": True,
        "ValidationMode": "ROW_LEVEL",
        "ThreadCount": VALIDATION_THREADS,
        "PartitionSize": VALIDATION_PARTITION_ROWS,
        "FailureMaxCount": 10_000,
        "TableFailureMaxCount": 1_000,
        "RecordFailureDelayInMinutes": 5,
        "RecordSuspendDelayInMinutes": 30,
        "RecordFailureDelayLimitInMinutes": 0,
        "MaxKeyColumnSize": 8_096,
        "SkipLobColumns": False,
        "ValidationOnly": False,
        "ValidationPartialLobSize": 0,
        "ValidationQueryCdcDelaySeconds": 0,
        "HandleCollationDiff": True,
    },
    "PostProcessingRules": None,
    "CharacterSetSettings": None,
    # The two tasks never run at the same time, so that no change can travel in a circle.
    "LoopbackPreventionSettings": None,
    "BeforeImageSettings": None,
    "FailTaskWhenCleanTaskResourceFailed": False,
}
