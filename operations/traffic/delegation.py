"""Whether the world asks the zone that the stack names: what a resolver answers, against what Route 53 expects."""

from __future__ import annotations

import dns.exception
import dns.resolver

from command_line.exits import BAD_INPUT, FAILED, REFUSED, Stop
from operations.traffic.balancer import PublicName

LOOK_UP_SECONDS = 10.0


class Names:
    """Name servers of a zone, as a resolver answers. `resolver`: ADDRESS or ADDRESS:PORT; empty for the system's own.

    Raises:
        Stop: for an address that is none.
    """

    def __init__(self, resolver: str = "") -> None:
        self._resolver = dns.resolver.Resolver(configure=not resolver)
        self._resolver.cache = None
        if resolver:
            address, _, port = resolver.partition(":")
            try:
                self._resolver.nameservers = [address]
                self._resolver.port = int(port or 53)
            except ValueError:
                raise Stop(
                    BAD_INPUT, f"--resolver: {resolver!r} is not allowed; allowed: ADDRESS or ADDRESS:PORT; correct it."
                ) from None

    def servers(self, zone: str) -> set[str]:
        """Empty when the zone is delegated to nobody. Raises `Stop` when no resolver answers."""
        try:
            answer = self._resolver.resolve(zone, "NS", lifetime=LOOK_UP_SECONDS)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.NoNameservers):
            return set()
        except dns.exception.DNSException as error:
            raise Stop(
                FAILED, f"{zone} the name servers cannot be looked up ({type(error).__name__}); nothing was changed."
            ) from None
        return {str(one.target).rstrip(".").lower() for one in answer}


def require_delegated(name: PublicName, names: Names) -> str:
    """The zone's name.

    Raises:
        Stop: when the zone is private, or the world asks other name servers.
    """
    zone, wanted, private = name.zone()
    if private:
        raise Stop(REFUSED, f"{zone} the zone is private: phones never ask it; give a public one as edgeZoneId.")
    seen = names.servers(zone)
    if not seen or seen != wanted:
        raise Stop(
            REFUSED,
            f"{zone} the zone is not delegated: resolvers find {', '.join(sorted(seen)) or 'no name servers'}; it must "
            f"be {', '.join(sorted(wanted))}. Delegate it in the zone above, wait for the TTL there, and run again.",
        )
    return zone
