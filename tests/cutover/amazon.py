"""AWS for the tests at one address: moto where it can, and a small stand-in for DMS and the VPN's telemetry."""

from __future__ import annotations

import datetime
import functools
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.test import Client, TestResponse

from tests.cutover.replication import Task, mapping

REGION = "eu-central-1"
ACCOUNT = "123456789012"
INSTANCE = f"arn:aws:dms:{REGION}:{ACCOUNT}:rep:MIGRATION"
FORWARD = f"arn:aws:dms:{REGION}:{ACCOUNT}:task:FORWARD"
REVERSE = f"arn:aws:dms:{REGION}:{ACCOUNT}:task:REVERSE"
SOURCE = f"arn:aws:dms:{REGION}:{ACCOUNT}:endpoint:SOURCE"
TARGET = f"arn:aws:dms:{REGION}:{ACCOUNT}:endpoint:TARGET"
REVERSE_SOURCE = f"arn:aws:dms:{REGION}:{ACCOUNT}:endpoint:REVERSE-SOURCE"
REVERSE_TARGET = f"arn:aws:dms:{REGION}:{ACCOUNT}:endpoint:REVERSE-TARGET"
CERTIFICATE = f"arn:aws:dms:{REGION}:{ACCOUNT}:cert:AUTHORITY"
VPN = "vpn-0a1b2c3d4e5f60718"
_SIGNED_FOR = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
_MOTO_NAMES = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}
"""Where moto calls a service otherwise than signatures do."""


@dataclass
class Dms:
    """What the stand-in answers; tests turn its knobs."""

    ca_pem: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    tunnels: dict[str, str] = field(default_factory=lambda: {"198.51.100.1": "UP", "203.0.113.1": "UP"})
    failed_rows: int = 0
    suspended_rows: int = 0
    certificate_days: int = 300
    connection_status: str = "successful"
    settings: dict[str, Any] = field(
        default_factory=lambda: {
            "TargetMetadata": {"LobMaxSize": 32, "BatchApplyEnabled": False},
            "FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"},
            "ValidationSettings": {"EnableValidation": True},
        }
    )
    mysql_settings: dict[str, Any] = field(default_factory=dict)
    """Of every endpoint."""
    calls: list[str] = field(default_factory=list)

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        wanted = [value for item in given.get("Filters", []) for value in item["Values"]]
        return getattr(self, operation)(given, wanted[0] if wanted else given.get("ReplicationTaskArn", ""))  # type: ignore[no-any-return]

    def DescribeReplicationTasks(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        task = self.tasks[arn]
        return {
            "ReplicationTasks": [
                {
                    "ReplicationTaskArn": arn,
                    "ReplicationTaskIdentifier": arn.rsplit(":", 1)[-1].lower(),
                    "Status": task.status,
                    "LastFailureMessage": task.failure,
                    "MigrationType": "full-load-and-cdc" if task.full_load else "cdc",
                    "TableMappings": mapping(task.schemas, task.rules),
                    "ReplicationTaskSettings": json.dumps(self.settings),
                    "CdcStartPosition": task.start_position,
                    "ReplicationTaskStats": {"FullLoadProgressPercent": task.percent},
                }
            ]
        }

    def StartReplicationTask(self, given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        self.tasks[arn].start(given["StartReplicationTaskType"], given.get("CdcStartPosition", ""))
        return {"ReplicationTask": {"ReplicationTaskArn": arn, "Status": "starting"}}

    def StopReplicationTask(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        self.tasks[arn].stop()
        return {"ReplicationTask": {"ReplicationTaskArn": arn, "Status": "stopping"}}

    def DescribeTableStatistics(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        found = [
            {
                "SchemaName": schema,
                "TableName": name,
                **told,
                "Inserts": 0,
                "Updates": 0,
                "Deletes": 0,
                "ValidationFailedRecords": self.failed_rows,
                "ValidationSuspendedRecords": self.suspended_rows,
                "ValidationPendingRecords": 0,
                "ValidationState": "Mismatched records" if self.failed_rows else "Validated",
            }
            for (schema, name), told in self.tasks[arn].tables.items()
        ]
        return {"ReplicationTaskArn": arn, "TableStatistics": found}

    def DescribeEndpoints(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        return {
            "Endpoints": [
                {
                    "EndpointArn": arn,
                    "SslMode": "verify-full",
                    "CertificateArn": CERTIFICATE,
                    "EngineName": "mysql",
                    "ExtraConnectionAttributes": "",
                    "MySQLSettings": self.mysql_settings,
                }
            ]
        }

    def DescribeCertificates(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=self.certificate_days, hours=1)
        return {
            "Certificates": [{"CertificateArn": arn, "CertificatePem": self.ca_pem, "ValidToDate": ends.timestamp()}]
        }

    def DescribeReplicationInstances(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        return {
            "ReplicationInstances": [
                {
                    "ReplicationInstanceArn": arn,
                    "ReplicationInstanceIdentifier": "migration",
                    "ReplicationInstanceStatus": "available",
                }
            ]
        }

    def DescribeConnections(self, _given: dict[str, Any], arn: str) -> dict[str, Any]:  # noqa: N802
        return {
            "Connections": [{"ReplicationInstanceArn": INSTANCE, "EndpointArn": arn, "Status": self.connection_status}]
        }

    def vpn_xml(self) -> str:
        items = "".join(
            f"<item><outsideIpAddress>{address}</outsideIpAddress><status>{state}</status></item>"
            for address, state in self.tunnels.items()
        )
        return (
            '<DescribeVpnConnectionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpnConnectionSet><item>'
            f"<vpnConnectionId>{VPN}</vpnConnectionId><vgwTelemetry>{items}</vgwTelemetry>"
            "</item></vpnConnectionSet></DescribeVpnConnectionsResponse>"
        )


@functools.cache
def _moto(service: str) -> Client:
    """Moto's answers for one service. Its own server looks for the service among all of its modules at every call."""
    return Client(create_backend_app(_MOTO_NAMES.get(service, service)))  # type: ignore[arg-type]


def forget() -> None:
    """Empties what moto holds."""
    _moto("moto_api").post("/moto-api/reset")


def serve(dms: Dms) -> tuple[ThreadingHTTPServer, str]:
    """AWS on a free loopback port: server and address. Connections stay open between calls, as AWS keeps them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        """Otherwise an answer's body waits up to 40 ms for the acknowledgement of its head."""

        def do_GET(self) -> None:
            """Route 53 is read by its address."""
            self._tell(_moto("route53").get(self.path, headers=list(self.headers.items())))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            signed = _SIGNED_FOR.search(self.headers.get("Authorization", ""))
            service = signed[1] if signed else ""
            if service == "dms":
                operation = self.headers["X-Amz-Target"].rsplit(".", 1)[-1]
                self._answer(200, "application/x-amz-json-1.1", json.dumps(dms.answer(operation, json.loads(body))))
            elif service == "ec2" and b"Action=DescribeVpnConnections" in body:
                self._answer(200, "text/xml", dms.vpn_xml())
            else:
                self._tell(_moto(service).post(self.path, data=body, headers=list(self.headers.items())))

        def _tell(self, told: TestResponse) -> None:
            self._answer(told.status_code, told.content_type, told.get_data())

        def _answer(self, status: int, kind: str | None, text: str | bytes) -> None:
            """CloudWatch answers in CBOR, which is no text."""
            content = text.encode() if isinstance(text, str) else text
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="aws stand-in").start()
    return server, f"http://127.0.0.1:{server.server_port}"
