"""A relay on loopback that counts what passes, and may hold it back to make a distant server.

Each byte arrives half a round trip after it was sent, without limiting the rate; a connection
costs a round trip before its first byte, as a TCP handshake does. Run as
`python -m benchmarks.relay TARGET_PORT ROUND_TRIP_SECONDS`: the first line of its output is
the port, and each line of its input is answered with the counts so far.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import asdict, dataclass

CHUNK_BYTES = 256 * 1024
# What may be under way in one direction of one connection. Wide enough for 1 GB/s at 10 ms.
WINDOW_CHUNKS = 64
_REQUEST_LINE = re.compile(rb"(?:GET|HEAD|PUT|POST|PATCH|DELETE|PROPFIND|MKCOL|MOVE|OPTIONS) /")


@dataclass(slots=True, kw_only=True)
class WireCounts:
    """What has passed: bytes each way, connections, and HTTP requests."""

    bytes_up: int = 0
    bytes_down: int = 0
    connections: int = 0
    requests: int = 0


class Relay:
    """Passes connections on to one port."""

    def __init__(self, *, target_port: int, round_trip_seconds: float) -> None:
        self.counts = WireCounts()
        self._target_port = target_port
        self._one_way_seconds = round_trip_seconds / 2
        self._connections: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection until either side has closed it."""
        self.counts.connections += 1
        await asyncio.sleep(2 * self._one_way_seconds)
        try:
            upstream, upstream_writer = await asyncio.open_connection(
                "127.0.0.1", self._target_port, limit=CHUNK_BYTES
            )
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            self._pass(reader, upstream_writer, is_upward=True),
            self._pass(upstream, writer, is_upward=False),
            return_exceptions=True,
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_upward: bool
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WINDOW_CHUNKS)
        delivery = asyncio.create_task(self._deliver(under_way, writer))
        clock = asyncio.get_running_loop().time
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                self._count(chunk, is_upward=is_upward)
                await under_way.put((clock() + self._one_way_seconds, chunk))
        finally:
            await under_way.put((clock() + self._one_way_seconds, b""))
            await delivery

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        failed = False
        while True:
            due, chunk = await under_way.get()
            if not chunk:
                break
            if due > clock():
                await asyncio.sleep(due - clock())
            if failed:
                continue
            try:
                writer.write(chunk)
                await writer.drain()
            except OSError:
                # The receiver is gone; what is still under way is thrown away.
                failed = True
        writer.close()

    def _count(self, chunk: bytes, *, is_upward: bool) -> None:
        if not is_upward:
            self.counts.bytes_down += len(chunk)
            return
        self.counts.bytes_up += len(chunk)
        if _REQUEST_LINE.match(chunk):
            self.counts.requests += 1


async def serve(target_port: int, round_trip_seconds: float) -> None:
    """Relays until the input ends."""
    relay = Relay(target_port=target_port, round_trip_seconds=round_trip_seconds)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0, limit=CHUNK_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(asdict(relay.counts)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
