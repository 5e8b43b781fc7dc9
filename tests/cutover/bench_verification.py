# ruff: noqa: S608 (statements from constants)
"""How fast two servers are compared, against dumping both: ``python -m tests.cutover.bench_verification``.

One run fills a server, copies its data directory for the second, and times on the same pair: the tool's comparison
(in a process of its own, for its memory), `mysqldump` of both sides at the same time with their texts compared, and
`pt-table-checksum` where it is installed (it sums up one side only; its replicas would do the same again).
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from cutover.comparison.rows import Comparison
from cutover.limits import Limits
from cutover.servers.catalogue import read_catalogue
from cutover.servers.mysql import Login, Server, Tls
from tests.cutover.servers import (
    ROOT_PASSWORD,
    Authority,
    TestServer,
    make_server,
    make_template,
    server_binaries,
)

BATCH = 1_000_000
TABLE = (
    "CREATE TABLE bench.payments (id BIGINT PRIMARY KEY AUTO_INCREMENT, reference CHAR(32) NOT NULL, "
    "terminal_id INT NOT NULL, amount DECIMAL(12,2) NOT NULL, currency CHAR(3) NOT NULL, state VARCHAR(20) NOT NULL, "
    "created_at DATETIME(3) NOT NULL, note VARCHAR(100) NULL)"
)
FILL = (
    "INSERT INTO bench.payments (id, reference, terminal_id, amount, currency, state, created_at, note) "
    "SELECT n + {offset}, LEFT(SHA2(n + {offset}, 256), 32), n % 5000, n % 100000 / 100, 'EUR', 'CAPTURED', "
    "'2026-11-22' + INTERVAL n SECOND, IF(n % 4, NULL, 'captured at the terminal') FROM bench.numbers"
)


def fill(server: TestServer, rows: int) -> None:
    batch = min(rows, BATCH)
    server.run(
        "CREATE DATABASE bench",
        TABLE,
        "CREATE TABLE bench.numbers (n INT PRIMARY KEY)",
        f"SET SESSION {'max_recursive_iterations' if server.mariadb else 'cte_max_recursion_depth'} = {batch + 1}",
        "SET SESSION sql_log_bin = 0",
        "INSERT INTO bench.numbers WITH RECURSIVE r AS "
        f"(SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < {batch}) SELECT n FROM r",
    )
    for offset in range(0, rows, batch):
        server.run("SET SESSION sql_log_bin = 0", FILL.replace("{offset}", str(offset)))
    server.run("DROP TABLE bench.numbers", "ANALYZE TABLE bench.payments")


def compare(ports: list[int], ca_pem: str, parallel: int) -> None:
    """The measured process: prints its result, its time and its memory."""
    ends = [
        Server(role, Login(host="127.0.0.1", port=port, username="root", password=ROOT_PASSWORD), Tls(ca_pem=ca_pem))
        for role, port in zip(("source", "target"), ports, strict=True)
    ]
    catalogues = [read_catalogue(end, ["bench"]) for end in ends]
    result = Comparison(ends[0], ends[1], Limits(parallel=parallel)).run(*catalogues)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(json.dumps({"rows": result.rows, "equal": result.equal, "seconds": result.seconds, "peak_mb": peak}))


def bytes_sent(pair: list[TestServer]) -> int:
    """What both servers have sent so far: on one machine it costs nothing, over a VPN it is the time."""
    return sum(int(server.run("SHOW GLOBAL STATUS LIKE 'Bytes_sent'")[0][1]) for server in pair)


def dump(server: TestServer) -> subprocess.Popen[bytes]:
    command = [
        "mysqldump",
        "--no-defaults",
        "--host=127.0.0.1",
        f"--port={server.port}",
        "--user=root",
        f"--password={ROOT_PASSWORD}",
        f"--ssl-ca={server.authority.ca_file}",
        "--single-transaction",
        "--quick",
        "--skip-comments",
        "--order-by-primary",
        "bench",
        "payments",
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def dump_and_compare(pair: list[TestServer]) -> tuple[float, bool]:
    began = time.monotonic()
    dumps = [dump(server) for server in pair]
    streams = [process.stdout for process in dumps]
    equal = True
    assert streams[0] is not None
    assert streams[1] is not None
    while True:
        ours, theirs = streams[0].read(1 << 20), streams[1].read(1 << 20)
        equal = equal and ours == theirs
        if not ours and not theirs:
            break
    done = [process.wait() for process in dumps]
    return time.monotonic() - began, equal and done == [0, 0]


def percona(server: TestServer) -> float | None:
    program = shutil.which("pt-table-checksum")
    if program is None:
        return None
    began = time.monotonic()
    done = subprocess.run(
        [
            program,
            f"h=127.0.0.1,P={server.port},u=root,p={ROOT_PASSWORD}",
            "--databases=bench",
            "--replicate=bench.checksums",
            "--no-check-binlog-format",
            "--recursion-method=none",
            "--max-load=Threads_running=1000",
            "--quiet",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 16):
        click.echo(f"pt-table-checksum: {done.stderr.strip().splitlines()[-1:]}", err=True)
        return None
    return time.monotonic() - began


def measure(binary: str, rows: int, parallel: int) -> None:
    base = Path(tempfile.mkdtemp(prefix="bench-verification-"))
    pair: list[TestServer] = []
    try:
        authority = Authority.create(base / "authority")
        pair.append(make_server(binary, make_template(binary, base / "template"), base / "source", authority, 1))
        fill(pair[0], rows)
        pair[0].stop(signal.SIGTERM)
        pair.append(make_server(binary, base / "source" / "data", base / "target", authority, 2))
        pair[0].start()
        words = [str(pair[0].port), str(pair[1].port), str(authority.ca_file), str(parallel)]
        sent = bytes_sent(pair)
        told = subprocess.run(
            [sys.executable, "-m", __spec__.name, "--measured", *words], capture_output=True, text=True, check=True
        ).stdout
        ours = json.loads(told)
        moved, sent = bytes_sent(pair) - sent, bytes_sent(pair)
        dumped, same = dump_and_compare(pair)
        dump_moved = bytes_sent(pair) - sent
        summed = percona(pair[0])
        assert ours["equal"]
        assert same
        click.echo(f"{rows:,} rows, {pair[0].binary}, memory of this tool at most {ours['peak_mb']:.0f} MB")
        figures = [
            ("this tool, both sides", ours["seconds"], moved),
            ("mysqldump of both, compared", dumped, dump_moved),
            *([("pt-table-checksum, one side", summed, 0)] if summed is not None else []),
        ]
        for name, seconds, size in figures:
            told = f"{size / 1e6:10,.2f} MB sent" if size else " " * 18
            ratio = f"{seconds / ours['seconds']:6.2f} x the time"
            click.echo(f"  {name:28} {seconds:8.1f} s {rows / seconds:12,.0f} rows/s {told} {ratio}")
    finally:
        for server in pair:
            server.stop()
        shutil.rmtree(base, ignore_errors=True)


def main() -> None:
    if sys.argv[1:2] == ["--measured"]:
        source, target, ca_file, parallel = sys.argv[2:6]
        compare([int(source), int(target)], Path(ca_file).read_text(), int(parallel))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="sizes to measure")
    parser.add_argument("--parallel", type=int, default=2)
    chosen = parser.parse_args()
    if not server_binaries():
        print("The comparison of two databases was not measured: install mariadb-server, and run again.")  # noqa: T201
        return
    for rows in chosen.rows:
        for binary in server_binaries().values():
            measure(binary, rows, chosen.parallel)


if __name__ == "__main__":
    main()
