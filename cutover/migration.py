"""One stack's migration at hand: its outputs, its AWS, its two servers."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from cutover.limits import Limits
from cutover.servers.aws import Aws
from cutover.servers.catalogue import Catalogue, read_catalogue
from cutover.servers.mysql import Login, Server, Tls
from cutover.stack import Stack


class Migration:
    """Everything that a check, an action or a screen asks. Opens connections only when they are used."""

    def __init__(
        self,
        stack: Stack,
        limits: Limits,
        reload_command: tuple[str, ...] = (),
        *,
        replicas: tuple[str, ...] = (),
        throttle_command: tuple[str, ...] = (),
        old_side_command: tuple[str, ...] = (),
        old_log_command: tuple[str, ...] = (),
    ) -> None:
        self.stack = stack
        self.limits = limits
        self.reload_command = reload_command
        """Makes the application read its secret again, such as `kubectl rollout restart deployment/softpos`."""
        self.replica_hosts = replicas
        """Replicas of the source, as `host` or `host:port`: a live comparison pauses while one of them lags."""
        self.throttle_command = throttle_command
        """Pauses a live comparison while its exit code is not 0."""
        self.old_side_command = old_side_command
        """Prints the old side's workloads, jobs and pods as `oc get -o json` does."""
        self.old_log_command = old_log_command
        """Prints the last minutes of the old router's access log."""
        self.aws = Aws(stack.region)

    @cached_property
    def source(self) -> Server:
        """The on-premises server, entered with this tool's own account."""
        return Server(
            "source", self.aws.account(self.stack.source_operator_secret_arn), self._tls(self.stack.source_endpoint_arn)
        )

    @cached_property
    def target(self) -> Server:
        return Server("target", self._at_target(self.stack.target_operator_secret_arn), self.target_tls)

    @cached_property
    def source_as_reader(self) -> Server:
        """The on-premises server as DMS reads it: proves DMS's password, TLS and grants."""
        return Server("source", self.aws.account(self.stack.source_secret_arn), self.source.tls)

    @cached_property
    def source_as_writer(self) -> Server:
        """The on-premises server as DMS writes it on the way back."""
        return Server("source", self.aws.account(self.stack.reverse_target_secret_arn), self.source.tls)

    @cached_property
    def target_as_writer(self) -> Server:
        return Server("target", self._at_target(self.stack.target_secret_arn), self.target_tls)

    @cached_property
    def target_as_reader(self) -> Server:
        return Server("target", self._at_target(self.stack.reverse_source_secret_arn), self.target_tls)

    @cached_property
    def own_accounts(self) -> frozenset[str]:
        """User names of this tool and of DMS on either server."""
        servers = (
            self.source,
            self.source_as_reader,
            self.source_as_writer,
            self.target,
            self.target_as_writer,
            self.target_as_reader,
        )
        return frozenset(server.account.username for server in servers)

    @cached_property
    def target_tls(self) -> Tls:
        """The host name is verified too: an RDS certificate names its endpoints, whatever the DMS endpoint asks for."""
        return replace(self._tls(self.stack.target_endpoint_arn), verify_name=True)

    @cached_property
    def replicas(self) -> dict[str, Server]:
        """The source's named replicas, entered as the source is."""
        found = {}
        for name in self.replica_hosts:
            host, _, port = name.partition(":")
            account = replace(self.source.account, host=host, port=int(port or self.source.account.port))
            found[f"replica {name}"] = Server(f"replica {name}", account, self.source.tls)
        return found

    @property
    def application_account(self) -> str:
        """User name of the application, the same on both servers."""
        return str(self.aws.secret(self.stack.application_secret_arn).get("username", ""))

    def server(self, role: str) -> Server:
        return {"source": self.source, "target": self.target}[role]

    def catalogue(self, role: str) -> Catalogue:
        return read_catalogue(self.server(role), self.stack.schemas)

    def close(self) -> None:
        for kept in [*self.__dict__.values(), *self.__dict__.get("replicas", {}).values()]:
            if isinstance(kept, Server):
                kept.close()

    def _at_target(self, arn: str) -> Login:
        return self.aws.account(arn, host=self.stack.database_writer_endpoint, port=self.stack.database_port)

    def _tls(self, endpoint_arn: str) -> Tls:
        """The certificate authority and the strictness that the DMS endpoint uses serve here too."""
        endpoint = self.aws.endpoint(endpoint_arn)
        certificate = self.aws.certificate(endpoint.get("CertificateArn", ""))
        return Tls(ca_pem=str(certificate["CertificatePem"]), verify_name=endpoint.get("SslMode") == "verify-full")


class Snapshot(Migration):
    """A migration as it is at one moment: each catalogue is read once. It shares the servers of the original."""

    def __init__(self, of: Migration) -> None:
        self.__dict__.update({**of.__dict__, "source": of.source, "target": of.target})
        self._catalogues: dict[str, Catalogue] = {}

    def catalogue(self, role: str) -> Catalogue:
        if role not in self._catalogues:
            self._catalogues[role] = super().catalogue(role)
        return self._catalogues[role]
