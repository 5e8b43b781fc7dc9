"""Logins that live for minutes: what IAM signs in the place of a password."""

from __future__ import annotations

import boto3
from botocore.model import ServiceId
from botocore.signers import RequestSigner
from redis.credentials import CredentialProvider

CACHE_TOKEN_SECONDS = 900
"""ElastiCache takes a token for 15 minutes (ElastiCache User Guide, "Authenticating with IAM")."""


def database_token(session: boto3.Session, host: str, port: int, user: str, region: str) -> str:
    """A password of RDS for 15 minutes; it says where it is valid, so each host needs its own."""
    client = session.client("rds", region_name=region)
    return str(client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user, Region=region))


class CacheLogin(CredentialProvider):
    """Signs a new token for each connection to ElastiCache; it names the replication group, in lower case."""

    def __init__(self, session: boto3.Session, name: str, user: str, region: str) -> None:
        self._user = user
        self._url = f"http://{name.lower()}/?Action=connect&User={user}"
        self._signer = RequestSigner(
            ServiceId("elasticache"), region, "elasticache", "v4", session.get_credentials(), session.events
        )

    def get_credentials(self) -> tuple[str, str]:
        """User and token, as `AUTH` takes them."""
        request = {"method": "GET", "url": self._url, "body": {}, "headers": {}, "context": {}}
        signed = self._signer.generate_presigned_url(
            request, operation_name="connect", expires_in=CACHE_TOKEN_SECONDS, region_name=None
        )
        return self._user, str(signed).removeprefix("http://")
