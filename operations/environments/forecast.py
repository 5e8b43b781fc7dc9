"""What an environment will be, before anything exists: the rehearsal of its settings under the policy pack."""

from __future__ import annotations

from operations.environments.configuration import checked
from operations.exits import FAILED, REFUSED, Stop
from operations.rehearsal.configuration import Configuration
from operations.rehearsal.forecast import forecast_creation
from operations.rehearsal.judgement import PackError, PolicyPack
from operations.rehearsal.program import ROOT, ProgramError, record_program


def judged(configuration: Configuration) -> tuple[int, float]:
    """How many resources an environment has and how many seconds its creation takes, if the pack lets it pass.

    Raises:
        Stop: with each mandatory violation; or when the program or the pack fails.
    """
    settings = checked(configuration)
    try:
        with PolicyPack(ROOT / "policy", configuration.project, configuration.stack) as pack:
            recording = record_program(configuration, settings)
            verdicts = pack.judge(recording.resources, configuration.values)
    except (ProgramError, PackError) as error:
        raise Stop(FAILED, str(error)) from None
    if verdicts.blocking:
        raise Stop(REFUSED, *(f"{one.policy}: {one.message}" for one in verdicts.blocking))
    custom = sum(resource.custom for resource in recording.resources)
    return custom, forecast_creation(recording.resources).seconds
