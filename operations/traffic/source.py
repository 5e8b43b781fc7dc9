"""The data centre's database, asked for its connections only."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pymysql

from command_line.exits import FAILED, Stop
from operations.traffic.aws import Aws
from operations.traffic.stack import Traffic

CONNECT_SECONDS = 5
STATEMENT = "SHOW GLOBAL STATUS LIKE 'Threads_connected'"


def connections(aws: Aws, traffic: Traffic) -> tuple[int, int]:
    """Connections in use, and the most that the server admits. Raises `Stop` or a database error.

    The login is that of the operator on the source, the certificate authority that of the DMS endpoint: the same as
    the database's move uses.
    """
    text = aws.call("secretsmanager", "get_secret_value", SecretId=traffic.source_operator_secret_arn)["SecretString"]
    try:
        login: dict[str, Any] = json.loads(text)
        host, port, user, password = login["host"], int(login["port"]), login["username"], login["password"]
    except (ValueError, KeyError, TypeError):
        raise Stop(
            FAILED,
            f"secret {traffic.source_operator_secret_arn}: it has not all of host, port, username and password; "
            "store them.",
        ) from None
    connection = pymysql.connect(
        host=host,
        port=port,
        user=user,
        password=password,
        ssl=_tls(aws, traffic),
        connect_timeout=CONNECT_SECONDS,
        read_timeout=CONNECT_SECONDS,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT)
            used = cursor.fetchone()
            cursor.execute("SELECT @@max_connections")
            most = cursor.fetchone()
    finally:
        connection.close()
    if used is None or most is None:
        raise Stop(FAILED, "source: it does not tell its connections.")
    return int(used[1]), int(most[0])


def _tls(aws: Aws, traffic: Traffic) -> ssl.SSLContext:
    def one(operation: str, answer: str, name: str, arn: str) -> dict[str, Any]:
        found = aws.call("dms", operation, Filters=[{"Name": name, "Values": [arn]}]).get(answer, [])
        if not found:
            raise Stop(FAILED, f"dms: it knows no {name.removesuffix('-arn')} {arn}; run `pulumi up`.")
        return dict(found[0])

    endpoint = one("describe_endpoints", "Endpoints", "endpoint-arn", traffic.source_endpoint_arn)
    certificate = one("describe_certificates", "Certificates", "certificate-arn", endpoint.get("CertificateArn", ""))
    context = ssl.create_default_context(cadata=str(certificate["CertificatePem"]))
    context.check_hostname = endpoint.get("SslMode") == "verify-full"
    return context
