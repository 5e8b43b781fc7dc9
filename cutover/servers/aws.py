"""What this tool asks of AWS, each question one function. Changes are not made here: they are actions of a plan."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cutover.errors import SettingsError, ToolError
from cutover.servers.mysql import Login

PAGE = 100
METRIC_SECONDS = 60
"""DMS publishes its latencies once a minute."""


class Aws:
    """AWS of one region. Every failure becomes one sentence with the operation and AWS's error code."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._clients: dict[str, Any] = {}
        self._session: boto3.session.Session | None = None
        """One for all clients: each session reads AWS's endpoints and asks for credentials (an MFA code) again."""
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        settings = Config(
            region_name=self.region,
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 4},
        )
        try:
            self._session = self._session or boto3.session.Session()
            return self._session.client(cast("Any", service), config=settings)
        except BotoCoreError as error:
            raise ToolError(f"AWS {service} cannot be used in {self.region}: {error}.") from error

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The answer to one API call. Raises `ToolError`, or `AwsRefusedError` with AWS's own error code."""
        method: Callable[..., dict[str, Any]] = getattr(self.client(service), operation)
        try:
            return method(**arguments)
        except ClientError as error:
            told = error.response.get("Error", {})
            raise AwsRefusedError(service, operation, told.get("Code", "?"), told.get("Message", "")) from error
        except BotoCoreError as error:
            raise ToolError(f"AWS {service} {operation} did not answer: {error}.") from error

    def secret(self, arn: str) -> dict[str, Any]:
        try:
            value = json.loads(
                self.call("secretsmanager", "get_secret_value", SecretId=arn, VersionStage="AWSCURRENT")["SecretString"]
            )
        except (ValueError, KeyError) as error:
            raise SettingsError(f"Secret {arn} holds no JSON object; store host, port, username, password.") from error
        if not isinstance(value, dict):
            raise SettingsError(f"Secret {arn} holds no JSON object; store host, port, username, password.")
        return value

    def secret_version(self, arn: str, stage: str = "AWSCURRENT") -> str:
        """Id of the secret's version with that label; empty if none has it."""
        versions = self.call("secretsmanager", "describe_secret", SecretId=arn).get("VersionIdsToStages", {})
        return next((version for version, stages in versions.items() if stage in stages), "")

    def account(self, arn: str, *, host: str = "", port: int = 3306) -> Login:
        """The database account of a secret. A managed secret has no host and port: `host` and `port` then serve."""
        secret = self.secret(arn)
        given: dict[str, Any] = {"host": host, "port": port} | secret
        missing = [name for name in ("host", "port", "username", "password") if not given.get(name)]
        if missing:
            raise SettingsError(
                f"Secret {arn} has no {', '.join(missing)}; add what DMS and this tool need to connect."
            )
        return Login(
            host=str(given["host"]),
            port=int(given["port"]),
            username=str(given["username"]),
            password=str(given["password"]),
        )

    def endpoint(self, arn: str) -> Mapping[str, Any]:
        return self._one("describe_endpoints", "Endpoints", "endpoint-arn", arn)

    def certificate(self, arn: str) -> Mapping[str, Any]:
        return self._one("describe_certificates", "Certificates", "certificate-arn", arn)

    def task(self, arn: str) -> Mapping[str, Any]:
        return self._one("describe_replication_tasks", "ReplicationTasks", "replication-task-arn", arn)

    def instance(self, arn: str) -> Mapping[str, Any]:
        return self._one("describe_replication_instances", "ReplicationInstances", "replication-instance-arn", arn)

    def connection_test(self, endpoint_arn: str, instance_arn: str) -> str:
        """Status of the endpoint's last connection test from the replication instance; `never tested` if none."""
        answer = self.call("dms", "describe_connections", Filters=[{"Name": "endpoint-arn", "Values": [endpoint_arn]}])
        mine = [item for item in answer["Connections"] if item.get("ReplicationInstanceArn") == instance_arn]
        return str(mine[0]["Status"]) if mine else "never tested"

    def table_statistics(self, task_arn: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        marker: dict[str, str] = {}
        while True:
            answer = self.call(
                "dms", "describe_table_statistics", ReplicationTaskArn=task_arn, MaxRecords=PAGE, **marker
            )
            found += answer.get("TableStatistics", [])
            if not answer.get("Marker"):
                return found
            marker = {"Marker": answer["Marker"]}

    def latency_seconds(self, task_arn: str, instance_arn: str) -> float | None:
        """The larger of the task's two latest latencies; None before DMS has published one."""
        found = self.latencies(task_arn, instance_arn)
        return found[-1] if found else None

    def latencies(self, task_arn: str, instance_arn: str) -> list[float]:
        """The task's latency minute by minute, oldest first: the larger of DMS's two figures."""
        now = datetime.datetime.now(datetime.UTC)
        dimensions = [
            {
                "Name": "ReplicationInstanceIdentifier",
                "Value": self.instance(instance_arn)["ReplicationInstanceIdentifier"],
            },
            {"Name": "ReplicationTaskIdentifier", "Value": task_arn.rsplit(":", 1)[-1]},
        ]
        answer = self.call(
            "cloudwatch",
            "get_metric_data",
            StartTime=now - datetime.timedelta(seconds=10 * METRIC_SECONDS),
            EndTime=now + datetime.timedelta(seconds=METRIC_SECONDS),
            ScanBy="TimestampAscending",
            MetricDataQueries=[
                {
                    "Id": name.lower(),
                    "MetricStat": {
                        "Metric": {"Namespace": "AWS/DMS", "MetricName": name, "Dimensions": dimensions},
                        "Period": METRIC_SECONDS,
                        "Stat": "Maximum",
                    },
                }
                for name in ("CDCLatencySource", "CDCLatencyTarget")
            ],
        )
        found: dict[Any, float] = {}
        for result in answer["MetricDataResults"]:
            for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
                found[moment] = max(value, found.get(moment, 0.0))
        return [found[moment] for moment in sorted(found)]

    def tunnels(self, vpn_connection_id: str) -> dict[str, str]:
        """State of each VPN tunnel, `UP` or `DOWN`, by its outside address."""
        answer = self.call("ec2", "describe_vpn_connections", VpnConnectionIds=[vpn_connection_id])
        return {
            item["OutsideIpAddress"]: item["Status"]
            for connection in answer["VpnConnections"]
            for item in connection.get("VgwTelemetry", [])
        }

    def cluster(self, identifier: str) -> Mapping[str, Any]:
        found = self.call("rds", "describe_db_clusters", DBClusterIdentifier=identifier)["DBClusters"]
        return cast("Mapping[str, Any]", found[0])

    def operator(self) -> str:
        """Who runs this, as CloudTrail will say it too."""
        return str(self.call("sts", "get_caller_identity")["Arn"])

    def _one(self, operation: str, answer: str, name: str, arn: str) -> Mapping[str, Any]:
        found = self.call("dms", operation, Filters=[{"Name": name, "Values": [arn]}]).get(answer, [])
        if not found:
            raise SettingsError(
                f"DMS knows no {name.removesuffix('-arn')} {arn}; run `pulumi up`, or check the outputs."
            )
        return cast("Mapping[str, Any]", found[0])


class AwsRefusedError(ToolError):
    """AWS answered an API call with an error."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"AWS {service} {operation} was refused: {code}, {message.rstrip('.')}.")
        self.code = code
