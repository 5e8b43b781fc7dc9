"""Logins that live for minutes: what IAM signs in the place of a password."""

from __future__ import annotations

import boto3
from botocore.model import ServiceId
from botocore.signers import RequestSigner
from redis.credentials import CredentialProvider

CACHE_TOKEN_SECONDS = 900
"""ElastiCache takes a token for 15 minutes (ElastiCache User Guide, "Authenticating with IAM")."""


class DatabaseLogin:
    """Signs a password of RDS for each connection, good for 15 minutes. It names the host, so each host has its own."""

    def __init__(self, session: boto3.Session, region: str) -> None:
        self._client = session.client("rds", region_name=region)

    def token(self, host: str, port: int, user: str) -> str:
        """The password for `user` on `host`; signed here, nobody is asked."""
        return str(self._client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user))


class CacheLogin(CredentialProvider):
    """Signs a new token for each connection to ElastiCache; it names the replication group, in lower case."""

    def __init__(self, session: boto3.Session, name: str, user: str, region: str) -> None:
        self._user = user
        self._url = f"http://{name.lower()}/?Action=connect&User={user}"
        credentials = session.get_credentials()
        if credentials is None:
            raise RuntimeError("There are no AWS credentials; give the pod an identity, or CACHE_PASSWORD_FILE.")
        self._signer = RequestSigner(ServiceId("elasticache"), region, "elasticache", "v4", credentials, session.events)

    def get_credentials(self) -> tuple[str, str]:
        """User and token, as `AUTH` takes them."""
        request = {"method": "GET", "url": self._url, "body": {}, "headers": {}, "context": {}}
        signed = self._signer.generate_presigned_url(
            request, operation_name="connect", expires_in=CACHE_TOKEN_SECONDS, region_name=None
        )
        return self._user, str(signed).removeprefix("http://")
