"""Ctrl-C and CI's cancellation, made safe: the engine is asked once to stop and finishes what it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import InvalidVersionError, create_command_error

from command_line.exits import BAD_INPUT, NO_PULUMI, Stop

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptibleCommand(PulumiCommand):
    """The Pulumi CLI in a session of its own, so that only we decide which signals it gets.

    A terminal sends Ctrl-C to every process of the foreground group and CI sends it to one; the engine takes a second
    interrupt as an order to give up at once, which leaves half-made resources. Here it always gets exactly as many as
    the user sent.

    Raises:
        Stop: from the constructor when there is no usable `pulumi` on PATH.
    """

    def __init__(self) -> None:
        try:
            super().__init__()
        except FileNotFoundError:
            raise Stop(BAD_INPUT, f"{NO_PULUMI}.") from None
        except InvalidVersionError as error:
            words = " ".join(str(error).split())
            raise Stop(BAD_INPUT, f"pulumi: {words}; allowed: a current release; update it and run again.") from None
        self.interrupted = False
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        command = [self.command, "--non-interactive", *args]
        # The AWS command line, which the cluster's credentials come from, is one of our own packages.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        environment = {**os.environ, "PATH": path, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        collected: tuple[list[str], list[str]] = ([], [])
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            self._process = process
            readers = [
                threading.Thread(target=_drain, args=(stream, lines, callback))
                for stream, lines, callback in zip(
                    (process.stdout, process.stderr), collected, (on_output, on_error), strict=True
                )
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            code = process.wait()
            self._process = None
        stdout, stderr = ("\n".join(lines) for lines in collected)
        result = CommandResult(stdout=stdout, stderr=stderr, code=code)
        if code != 0:
            raise create_command_error(result)
        return result

    @contextmanager
    def interruptible(self, say: Callable[[str], None]) -> Iterator[None]:
        """While inside, a signal is passed to the engine instead of ending this process.

        Raises:
            KeyboardInterrupt: at the end, when a signal came while no engine ran.
        """

        def pass_on(_number: int, _frame: FrameType | None) -> None:
            self.interrupted = True
            process = self._process
            if process is not None:
                say("Stopping: what is under way is finished first, so that nothing is lost. Again to give up at once.")
                process.send_signal(signal.SIGINT)
                return
            raise KeyboardInterrupt

        before = {number: signal.signal(number, pass_on) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _drain(stream: IO[str], lines: list[str], callback: OnOutput | None) -> None:
    for line in stream:
        text = line.rstrip()
        if callback:
            callback(text)
        lines.append(text)
