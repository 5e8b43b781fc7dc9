"""Any Pulumi program, recorded on a stand-in cloud: no account, no Pulumi CLI, nothing created.

A test library: `play` runs a program and returns a `Recording` of everything that it registered.
"""

from recording.library import play
from recording.program import ProgramError, Recording
from recording.recorder import Resource

__all__ = ["ProgramError", "Recording", "Resource", "play"]
