"""A slow link on loopback: ``python -m tests.cutover.link PORT``. Prints its own port and passes all bytes on to PORT.

Both directions share nothing: each has its own rate, as a tunnel does, for all connections together. Every byte waits
half of the round trip. Without the kernel's traffic control this is what a VPN looks like to a client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib

PIECE = 16 * 1024
WINDOW = 512 * 1024
"""Bytes under way per connection and direction: more than the link can hold, so that it never idles."""


class Direction:
    """One way of the link: bytes leave one after the other at its rate."""

    def __init__(self, bits_per_second: float, delay_seconds: float) -> None:
        self._rate = bits_per_second / 8
        self._delay = delay_seconds
        self._free = 0.0

    def arrives(self, size: int) -> float:
        """When a piece that is handed over now arrives, in the loop's time."""
        now = asyncio.get_running_loop().time()
        self._free = max(now, self._free) + size / self._rate
        return self._free + self._delay


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction) -> None:
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WINDOW // PIECE)

    async def deliver() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        writer.close()

    delivery = asyncio.create_task(deliver())
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            await pieces.put((way.arrives(len(piece)), piece))
    await pieces.put((way.arrives(0), b""))
    with contextlib.suppress(OSError):
        await delivery


async def serve(port: int, mbit: float, round_trip_ms: float) -> None:
    there, back = (Direction(mbit * 1e6, round_trip_ms / 2000) for _ in range(2))

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pump(reader, far_writer, there), pump(far_reader, writer, back))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  whoever started it reads the port
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--mbit", type=float, default=100)
    parser.add_argument("--round-trip-ms", type=float, default=20)
    chosen = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen.port, chosen.mbit, chosen.round_trip_ms))
