# ruff: noqa: S608 (statements from constants)
"""How fast two servers are compared, against dumping both: ``python -m tests.cutover.bench_verification``.

One run fills a server, copies its data directory for the second, and times on the same pair, in turns: the tool's
comparison (in a process of its own, for its memory), `mysqldump` of both sides at the same time with their texts
compared, and `pt-table-checksum` where it is installed (it sums up one side only; its replicas would do the same
again). Told are medians of the rounds, wall time and processor time of servers and clients; a round's ratio holds on a
busy machine too, as both halves of it meet the same load. Then the source is put on the far side of a slow link (see
`link.py`), whose speed is measured as well, and ours and the dump are timed again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

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
    version_of,
)

BATCH = 1_000_000
COMMON = (
    "terminal_id INT NOT NULL, amount DECIMAL(12,2) NOT NULL, currency CHAR(3) NOT NULL, state VARCHAR(20) NOT NULL, "
)
COMMON += "created_at DATETIME(3) NOT NULL, note VARCHAR(100) NULL"
VALUES = "n % 5000, n % 100000 / 100, 'EUR', 'CAPTURED', '2026-11-22' + INTERVAL n SECOND, "
VALUES += "IF(n % 4, NULL, 'captured at the terminal')"
HASH = "SHA2(n + {offset}, 256)"
UUID = (
    f"CONCAT_WS('-', LEFT({HASH}, 8), MID({HASH}, 9, 4), MID({HASH}, 13, 4), MID({HASH}, 17, 4), MID({HASH}, 21, 12))"
)
MORE = range(42)
RECEIPT = "CONCAT(" + ", ".join(f"SHA2(CONCAT({place}, n + {{offset}}), 512)" for place in range(8)) + ")"
"""1,024 letters that no compression makes much shorter."""


class Shape(NamedTuple):
    columns: str
    values: str


SHAPES = {
    "integer key": Shape(
        f"id BIGINT PRIMARY KEY, reference CHAR(32) NOT NULL, {COMMON}", f"n + {{offset}}, LEFT({HASH}, 32), {VALUES}"
    ),
    "UUID key": Shape(f"id CHAR(36) PRIMARY KEY, n INT NOT NULL, {COMMON}", f"{UUID}, n, {VALUES}"),
    "50 columns": Shape(
        f"id BIGINT PRIMARY KEY, reference CHAR(32) NOT NULL, {COMMON}, "
        + ", ".join(f"c{n} {('INT', 'VARCHAR(20)', 'DECIMAL(10,2)')[n % 3]} NULL" for n in MORE),
        f"n + {{offset}}, LEFT({HASH}, 32), {VALUES}, "
        + ", ".join(("n", "CONCAT('value ', n % 997)", "n % 10000 / 100")[n % 3] for n in MORE),
    ),
    "receipts of 1 kB": Shape(
        f"id BIGINT PRIMARY KEY, reference CHAR(32) NOT NULL, {COMMON}, receipt TEXT NOT NULL",
        f"n + {{offset}}, LEFT({HASH}, 32), {VALUES}, {RECEIPT}",
    ),
}


def fill(server: TestServer, rows: int, shape: Shape) -> None:
    batch = min(rows, BATCH)
    server.run(
        "CREATE DATABASE bench",
        f"CREATE TABLE bench.payments ({shape.columns})",
        "CREATE TABLE bench.numbers (n INT PRIMARY KEY)",
        f"SET SESSION {'max_recursive_iterations' if server.mariadb else 'cte_max_recursion_depth'} = {batch + 1}",
        "SET SESSION sql_log_bin = 0",
        "INSERT INTO bench.numbers WITH RECURSIVE r AS "
        f"(SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < {batch}) SELECT n FROM r",
    )
    for offset in range(0, rows, batch):
        text = f"INSERT INTO bench.payments SELECT {shape.values} FROM bench.numbers ORDER BY 1"
        server.run("SET SESSION sql_log_bin = 0", text.replace("{offset}", str(offset)))
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
    told = {"rows": result.rows, "equal": result.equal, "seconds": result.seconds, "peak_mb": peak}
    click.echo(json.dumps(told | {"forecast": result.scan_seconds}))


def bytes_sent(pair: list[TestServer]) -> int:
    """What both servers have sent so far: on one machine it costs nothing, over a VPN it is the time."""
    return sum(int(server.run("SHOW GLOBAL STATUS LIKE 'Bytes_sent'")[0][1]) for server in pair)


def dump(server: TestServer, port: int) -> subprocess.Popen[bytes]:
    own = Path(server.binary).with_name("mysqldump")
    command = [
        str(own) if own.exists() else "mysqldump",
        "--no-defaults",
        "--host=127.0.0.1",
        f"--port={port}",
        "--user=root",
        f"--password={ROOT_PASSWORD}",
        f"--ssl-ca={server.authority.ca_file}",
        "--single-transaction",
        "--quick",
        "--skip-comments",
        "--order-by-primary",
        *([] if server.mariadb else ["--set-gtid-purged=OFF", "--column-statistics=0"]),
        "bench",
        "payments",
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def dump_and_compare(pair: list[TestServer], ports: list[int]) -> float:
    began = time.monotonic()
    dumps = [dump(server, port) for server, port in zip(pair, ports, strict=True)]
    streams = [process.stdout for process in dumps]
    assert streams[0] is not None
    assert streams[1] is not None
    equal, size = True, 0
    while True:
        ours, theirs = streams[0].read(1 << 20), streams[1].read(1 << 20)
        equal, size = equal and ours == theirs, size + len(ours)
        if not ours and not theirs:
            break
    assert [process.wait() for process in dumps] == [0, 0]
    assert equal
    assert size > 1_000
    return time.monotonic() - began


def percona(server: TestServer) -> float:
    began = time.monotonic()
    done = subprocess.run(
        [
            shutil.which("pt-table-checksum") or "pt-table-checksum",
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
        raise RuntimeError(f"pt-table-checksum: {done.stderr.strip().splitlines()[-1:]}")
    seconds = time.monotonic() - began
    server.run("DROP TABLE bench.checksums")
    return seconds


@contextlib.contextmanager
def linked(server: TestServer) -> Iterator[int]:
    """The port of a slow link to the server."""
    command = [sys.executable, "-m", "tests.cutover.link", str(server.port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def ours(ports: list[int], ca_file: Path, parallel: int) -> dict[str, float]:
    words = [*map(str, ports), str(ca_file), str(parallel)]
    command = [sys.executable, "-m", __spec__.name, "--measured", *words]
    told: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert told["equal"]
    return told


class Cost(NamedTuple):
    """What one way of comparing took."""

    seconds: float
    cpu_seconds: float
    """Processor time of both servers and of the clients."""
    sent_mb: float
    """What the servers sent: on one machine it costs little, over a VPN it is the time."""


def cpu_seconds(pair: list[TestServer]) -> float:
    """Processor time that both servers, and all clients that have ended, have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = used.ru_utime + used.ru_stime
    for server in pair:
        assert server.process is not None
        fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def cost(pair: list[TestServer], way: Callable[[], float]) -> Cost:
    sent, cpu = bytes_sent(pair), cpu_seconds(pair)
    seconds = way()
    return Cost(seconds, cpu_seconds(pair) - cpu, (bytes_sent(pair) - sent) / 1e6)


@contextlib.contextmanager
def filled(binary: str, rows: int, shape: Shape) -> Iterator[list[TestServer]]:
    """Two servers that hold the same rows, all of them in memory."""
    base = Path(tempfile.mkdtemp(prefix="bench-verification-"))
    pair: list[TestServer] = []
    try:
        authority = Authority.create(base / "authority")
        pair.append(make_server(binary, make_template(binary, base / "template"), base / "source", authority, 1))
        log = {"innodb-log-file-size": "1G"} if pair[0].mariadb else {"innodb-redo-log-capacity": "2G"}
        memory = {"innodb-buffer-pool-size": "3G"}
        pair[0].stop(signal.SIGTERM)
        pair[0].options |= log | memory
        pair[0].start()
        fill(pair[0], rows, shape)
        pair[0].stop(signal.SIGTERM)
        pair.append(TestServer(binary, base / "target", authority, 2, options=pair[0].options))
        shutil.copytree(base / "source" / "data", base / "target" / "data")
        (base / "target" / "data" / "auto.cnf").unlink(missing_ok=True)
        for server in pair:
            server.start()
        yield pair
    finally:
        for server in pair:
            server.stop()
        shutil.rmtree(base, ignore_errors=True)


def measure(binary: str, rows: int, parallel: int, rounds: int, name: str) -> None:
    with filled(binary, rows, SHAPES[name]) as pair:
        ports = [server.port for server in pair]
        ca_file = pair[0].authority.ca_file
        # Once before the clock runs: both sides' pages are in memory then, for whoever is measured first.
        first = ours(ports, ca_file, parallel)
        click.echo(f"{rows:,} rows, {name}, {version_of(binary)}, medians of {rounds} rounds")
        click.echo(f"  memory of this tool at most {first['peak_mb']:.0f} MB")
        ways: dict[str, Callable[[], float]] = {
            "this tool, both sides": lambda: ours(ports, ca_file, parallel)["seconds"],
            "mysqldump of both, compared": lambda: dump_and_compare(pair, ports),
        }
        if shutil.which("pt-table-checksum"):
            ways["pt-table-checksum, one side"] = lambda: percona(pair[0])
        tell(in_turns(pair, ways, rounds))
        with linked(pair[0]) as far:
            through = [far, pair[1].port]
            link = {
                "this tool, over the link": lambda: ours(through, ca_file, parallel)["seconds"],
                "mysqldump, over the link": lambda: dump_and_compare(pair, through),
            }
            told = in_turns(pair, link, 1)
            dumped = told["mysqldump, over the link"][0]
            click.echo(f"  the link carried {dumped.sent_mb / 2 * 8 / dumped.seconds:.0f} Mbit/s of the dump")
            tell(told)


def in_turns(pair: list[TestServer], ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[Cost]]:
    """Each way's costs, round by round."""
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(cost(pair, way))
    return found


def tell(found: dict[str, list[Cost]]) -> None:
    """Medians. The ratios are the tool's share of the other's time, the medians of the rounds' own ratios."""
    mine = next(iter(found.values()))
    for name, costs in found.items():
        seconds, cpu, sent = (statistics.median(values) for values in zip(*costs, strict=True))
        wall_ratio, cpu_ratio = (
            statistics.median(ours[place] / theirs[place] for ours, theirs in zip(mine, costs, strict=True))
            for place in (0, 1)
        )
        click.echo(
            f"  {name:28} {seconds:7.2f} s, {cpu:7.2f} s of processors, {sent:8,.1f} MB sent; the tool takes "
            f"{wall_ratio:5.2f} of the time, {cpu_ratio:5.2f} of the processors"
        )


def main() -> None:
    if sys.argv[1:2] == ["--measured"]:
        source, target, ca_file, parallel = sys.argv[2:6]
        compare([int(source), int(target)], Path(ca_file).read_text(), int(parallel))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="sizes to measure")
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES), help="tables to measure")
    parser.add_argument("--flavours", nargs="+", default=["mariadb", "mysql"], help="servers to measure on")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is measured, in turns")
    chosen = parser.parse_args()
    binaries = {name: path for name, path in server_binaries().items() if name in chosen.flavours}
    if not binaries:
        print("The comparison of two databases was not measured: install mariadb-server, and run again.")  # noqa: T201
        return
    for rows in chosen.rows:
        for binary in binaries.values():
            for name in chosen.shapes:
                measure(binary, rows, chosen.parallel, chosen.rounds, name)


if __name__ == "__main__":
    main()
