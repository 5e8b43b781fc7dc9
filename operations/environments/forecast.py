"""What an environment will be, before anything exists: the rehearsal of its settings under the policy pack."""

from __future__ import annotations

from command_line.exits import REFUSED, Stop
from operations.environments import lifetimes
from operations.environments.addresses import free_range
from operations.environments.configuration import checked, environment_configuration, ranges_in_use, source_settings
from operations.environments.ledger import Environment
from operations.plan.forecast import forecast_creation
from operations.plan.stack_recording import record_and_judge, record_program
from recording.configuration import Configuration
from recording.program import Recording


def example_configuration(source: str = "dev", name: str = "forecast") -> Configuration:
    """The settings of an environment that nobody has, for forecasts and checks."""
    configuration, settings = source_settings(source)
    at = lifetimes.now()
    environment = Environment(
        name=name,
        owner="nobody",
        purpose="forecast",
        source=source,
        account=settings.account_id,
        cidr=free_range(settings.temporary.cidrs, ranges_in_use(settings)),
        created=at,
        until=at + lifetimes.SHORTEST,
    )
    return environment_configuration(configuration, environment, zone_id="Z0123456789ABC")


def record_example(source: str = "dev") -> Recording:
    """One rehearsal of an environment that nobody has."""
    configuration = example_configuration(source)
    return record_program(configuration, checked(configuration))


def judged(configuration: Configuration) -> tuple[int, float]:
    """How many resources an environment has and how many seconds its creation takes, if the pack lets it pass.

    Raises:
        Stop: with each mandatory violation; or when the program or the pack fails.
    """
    recording, verdicts = record_and_judge(configuration, checked(configuration))
    if verdicts.blocking:
        raise Stop(REFUSED, *(f"{one.policy}: {one.message}" for one in verdicts.blocking))
    custom = sum(resource.custom for resource in recording.resources)
    return custom, forecast_creation(recording.resources).seconds
