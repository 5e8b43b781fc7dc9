"""Who is logged in: a session per terminal, in Redis, for a quarter of an hour from its last use.

Redis never holds the bearer's token, only its hash.
"""

from __future__ import annotations

import hashlib
import secrets
import ssl
from collections.abc import Callable

import redis
from redis.backoff import ExponentialBackoff
from redis.credentials import CredentialProvider, UsernamePasswordCredentialProvider
from redis.retry import Retry

from softpos.configuration import Configuration

SESSION_SECONDS = 900
"""PCI DSS 8.2.8: an idle session ends after 15 minutes."""
ATTEMPTS = 10
"""PCI DSS 8.3.4: after at most 10 wrong codes the terminal is locked ..."""
LOCK_SECONDS = 1800
"""... for at least 30 minutes."""
ANSWER_SECONDS = 2.0
RETRIES = 3


class CacheUnavailableError(Exception):
    """Redis is away; who is logged in cannot be said."""


class Sessions:
    """The sessions of all instances that share one Redis. A session of another Redis is unknown here: log in again."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    @classmethod
    def of(cls, configuration: Configuration, login: CredentialProvider) -> Sessions:
        return cls(
            redis.Redis(
                host=configuration.cache_host,
                port=configuration.cache_port,
                credential_provider=login,
                ssl=True,
                ssl_ca_certs=configuration.cache_ca_file or None,
                ssl_min_version=ssl.TLSVersion.TLSv1_2,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES),
                health_check_interval=30,
                decode_responses=True,
            )
        )

    def open(self, terminal: int) -> str:
        """A new session's token."""
        token = secrets.token_urlsafe(32)
        self._ask(lambda: self._client.set(_key(token), terminal, ex=SESSION_SECONDS))
        return token

    def terminal(self, token: str) -> int | None:
        """The terminal whose session this is, which lives on from now; None where there is no such session."""
        found = self._ask(lambda: self._client.getex(_key(token), ex=SESSION_SECONDS))
        return int(str(found)) if found else None

    def close(self, token: str) -> None:
        self._ask(lambda: self._client.delete(_key(token)))

    def count_attempt(self, serial: str) -> bool:
        """Counts one try to log in; False when the terminal has had too many."""
        key = f"attempts:{hashlib.sha256(serial.encode()).hexdigest()}"

        def count() -> int:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.incr(key)
                pipe.expire(key, LOCK_SECONDS)
                return int(pipe.execute()[0])

        return int(str(self._ask(count))) <= ATTEMPTS

    def forget_attempts(self, serial: str) -> None:
        key = f"attempts:{hashlib.sha256(serial.encode()).hexdigest()}"
        self._ask(lambda: self._client.delete(key))

    def ping(self) -> None:
        """Raises `CacheUnavailableError` when sessions cannot be kept."""
        self._ask(self._client.ping)

    def disconnect(self) -> None:
        self._client.close()

    @staticmethod
    def _ask(action: Callable[[], object]) -> object:
        try:
            return action()
        except redis.RedisError as error:
            raise CacheUnavailableError(type(error).__name__) from error


def password_login(user: str, password: str) -> CredentialProvider:
    """The login to a Redis outside AWS."""
    return UsernamePasswordCredentialProvider(user, password)


def _key(token: str) -> str:
    return f"session:{hashlib.sha256(token.encode()).hexdigest()}"
