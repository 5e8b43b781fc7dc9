"""Plays the runbook's commands on two real servers, keeps what they print: ``python -m tests.cutover.played FOLDER``.

The runbook's outputs come from here. The command line runs as people run it, in a process of its own; the change
capture, the application with its ledger, and AWS are the tests' own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cutover import amazon
from tests.cutover.conftest import ENVIRONMENT
from tests.cutover.rig import Rig, build
from tests.cutover.servers import Authority, make_server, make_template, server_binaries

COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("preflight", ("preflight",)),
    ("schema", ("schema",)),
    ("start", ("start",)),
    ("status", ("status",)),
    ("dry-run", ("cutover", "--dry-run", "--max-downtime", "5m")),
    ("cutover", ("cutover", "--yes", "--max-downtime", "5m", "--watch-for", "20s")),
    ("commit-too-early", ("commit", "--yes")),
    ("rollback", ("rollback", "--yes")),
    ("report", ("report",)),
)
WIDTH = "150"


def play(rig: Rig, folder: Path, outputs: Path) -> None:
    for name, words in COMMANDS:
        rig.application.wait_for_commits(200, 120)
        done = subprocess.run(
            [sys.executable, "-m", "operations", "cutover", *words, "--stack", "prod", "--outputs", str(outputs)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": WIDTH},
        )
        shown = f"$ python -m operations cutover {' '.join(words)} --stack prod\n{done.stdout}{done.stderr}"
        (folder / f"{name}.txt").write_text(shown + (f"(exit code {done.returncode})\n" if done.returncode else ""))
    rig.application.stop()
    wrong, doubled = rig.ledger_against("source")
    told = f"{len(rig.application.ledger):,} acknowledged payments, lost {len(wrong)}, doubled {len(doubled)}\n"
    (folder / "ledger.txt").write_text(told)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    binaries = server_binaries()
    binary = binaries.get("mysql") or next(iter(binaries.values()))
    with tempfile.TemporaryDirectory(prefix="played-") as place:
        base = Path(place)
        authority = Authority.create(base / "authority")
        template = make_template(binary, base / "template")
        pair = [make_server(binary, template, base / name, authority, n) for n, name in ((1, "source"), (2, "target"))]
        dms = amazon.Dms()
        server, address = amazon.serve(dms)
        os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL": address})
        try:
            rig = build(pair[0], pair[1], dms)
            outputs = base / "outputs.json"
            outputs.write_text(json.dumps(rig.outputs))
            play(rig, folder, outputs)
            for task in dms.tasks.values():
                task.end()
        finally:
            server.shutdown()
            for one in pair:
                one.stop()


if __name__ == "__main__":
    main()
