"""Everybody to the data centre: the rules first, whatever else is down, then everything read back.

It needs the load balancer's API and nothing else. The record follows when its table answers.
"""

from __future__ import annotations

from collections.abc import Callable

from command_line.exits import FAILED, Stop
from operations.traffic.aws import AwsError
from operations.traffic.balancer import not_as_ordered
from operations.traffic.record import LeaseLostError
from operations.traffic.site import Site

UNRECORDED = (
    "The record could not be written: {error} The rules count, not the record; run `traffic back` again when the table "
    "answers, so that it says the same."
)


def try_rules_back(site: Site) -> list[str]:
    """One order to each rule: everything to the data centre. A refusal stops no other order; returns the refusals."""
    refusals = []
    for service, operation, arguments in site.balancer.order(0, site.cookie_seconds):
        try:
            site.aws.call(service, operation, **arguments)
        except AwsError as error:
            refusals.append(str(error))
    return refusals


def rules_back(site: Site, beat: Callable[[], None]) -> None:
    """All rules to the data centre alone, and read back. Twice: an order of a process that was just taken over may have
    come in between.

    Raises:
        Stop: when AWS refuses, or tells something else than what was ordered.
    """
    for _ in range(2):
        if site.balancer.binds() and (refusals := try_rules_back(site)):
            raise Stop(FAILED, *refusals)
        site.sleep(site.limits.settle_seconds)
        beat()
    if site.balancer.binds():
        raise not_as_ordered("a rule")


def patiently(site: Site, act: Callable[[], None], beat: Callable[[], None]) -> None:
    """Do something on the way back until AWS has taken it.

    Raises:
        Stop: when AWS does not take it for long.
    """
    deadline = site.clock() + site.limits.patience_seconds
    while True:
        try:
            return act()
        except LeaseLostError:
            raise
        except Stop as error:
            if site.clock() >= deadline:
                raise Stop(
                    FAILED, *error.lines, "traffic: the way back is stuck here; run `traffic back` again at once."
                ) from error
            site.screen.tells(f"{' '.join(error.lines)} Trying again.")
            site.sleep(site.limits.settle_seconds)
            beat()


def back_without_record(site: Site, why: str) -> None:
    """Everybody to the data centre while nobody can read or write the record.

    Raises:
        Stop: when the load balancer does not take it.
    """
    patiently(site, lambda: rules_back(site, _nothing), _nothing)
    site.screen.tells(UNRECORDED.format(error=why))


def _nothing() -> None:
    """No lease is held, so none is renewed."""
