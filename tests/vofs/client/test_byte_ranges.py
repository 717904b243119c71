"""Ranges: exactly the bytes of the version that was opened, or an error; both ways."""

import re
from collections.abc import Iterator

import pytest

from tests.vofs.client.conftest import Asked, Reply, ScriptedServer
from tests.vofs.entries import entry_of
from vofs.client.byte_ranges import ByteRanges, OpenedContent
from vofs.client.connection import Connection
from vofs.client.errors import ContentChanged, MalformedAnswer, TimedOut, Unreachable
from vospace_model.faults import Fault, InternalFault, PermissionDenied
from vospace_model.uris import NodePath

DATA = bytes(range(256)) * 8
CONTENT = "c" * 32


def _opened(url: str, *, is_signed: bool) -> OpenedContent:
    entry = entry_of(length=len(DATA), content=CONTENT)
    return OpenedContent(
        path=NodePath(("f",)),
        entry=entry,
        data_url=f"{url}/data/f",
        etag=f'"{CONTENT}"',
        expires_ns=1 if is_signed else None,
    )


def _truth(asked: Asked) -> Reply:
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers["range"])
    assert match is not None
    start, stop = int(match[1]), int(match[2]) + 1
    headers = {
        "Content-Range": f"bytes {start}-{stop - 1}/{len(DATA)}",
        "ETag": f'"{CONTENT}"',
    }
    return Reply(status=206, headers=headers, body=DATA[start:stop])


@pytest.fixture(params=[True, False], ids=["http.client", "httpx"])
def opened(request: pytest.FixtureRequest, server: ScriptedServer) -> OpenedContent:
    """An opened version of DATA, to be read on either of the two ways."""
    return _opened(server.url, is_signed=request.param)


@pytest.fixture
def ranges(connection: Connection) -> Iterator[ByteRanges]:
    """Reads ranges; an address that stopped to work is renewed to the same one."""
    made = ByteRanges(connection, reopen=lambda opened: opened)
    yield made
    made.close()


def _read(
    ranges: ByteRanges, opened: OpenedContent, start: int = 100, stop: int = 1600
) -> bytes:
    return b"".join(ranges.read(opened, start, stop))


def test_range_is_exactly_the_bytes_asked_for(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    server.script = _truth
    assert _read(ranges, opened) == DATA[100:1600]
    assert server.asked[0].headers["if-match"] == f'"{CONTENT}"'
    assert len(server.asked) == 1


def test_connection_is_used_again(
    server: ScriptedServer, ranges: ByteRanges, connection: Connection, opened: OpenedContent
) -> None:
    server.script = _truth
    for _ in range(5):
        assert _read(ranges, opened) == DATA[100:1600]
    assert connection.traffic.report().received_bytes == 5 * 1500
    assert connection.traffic.report().requests == 5


def test_whole_file_instead_of_a_range_is_cut_to_it(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    server.replies(Reply(body=DATA))
    assert _read(ranges, opened) == DATA[100:1600]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(body=b"<html>log in</html>"), MalformedAnswer),
        (Reply(status=204), MalformedAnswer),
        (
            Reply(status=206, headers={"Content-Range": "bytes 5-104/2048"}, body=b"z" * 100),
            MalformedAnswer,
        ),
        (Reply(status=206, body=DATA[100:1600]), MalformedAnswer),
        (
            Reply(
                status=206,
                headers={"Content-Range": "bytes 100-1599/9999"},
                body=DATA[100:1600],
            ),
            ContentChanged,
        ),
        (
            Reply(
                status=206,
                headers={"Content-Range": "bytes 100-1599/2048", "ETag": '"other"'},
                body=DATA[100:1600],
            ),
            ContentChanged,
        ),
        (
            Reply(
                status=206,
                headers={"Content-Range": "bytes 100-1599/2048", "Content-Encoding": "gzip"},
                body=DATA[100:1600],
            ),
            MalformedAnswer,
        ),
        (Reply(status=412, body=b"PreconditionFailed: etag\n"), ContentChanged),
        (Reply(status=416, body=b"RangeNotSatisfiable\n"), ContentChanged),
        (Reply(status=404, body=b"NodeNotFound: /f\n"), ContentChanged),
        (Reply(status=403, body=b"PermissionDenied: ticket\n"), PermissionDenied),
        (Reply(status=500, body=b"InternalFault: oops\n"), InternalFault),
        (
            Reply(status=404, headers={"Content-Type": "text/html"}, body=b"<html></html>"),
            MalformedAnswer,
        ),
    ],
)
def test_answer_that_is_not_the_range_is_refused(
    server: ScriptedServer,
    ranges: ByteRanges,
    opened: OpenedContent,
    reply: Reply,
    error: type[Exception],
) -> None:
    server.replies(reply)
    with pytest.raises(error):
        _read(ranges, opened)


def test_answer_that_breaks_off_is_continued_where_it_broke(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    first = [True]

    def script(asked: Asked) -> Reply:
        reply = _truth(asked)
        if not first.pop() if first else True:
            return reply
        return Reply(status=206, headers=reply.headers, body=reply.body, cut_after=700)

    server.script = script
    assert _read(ranges, opened) == DATA[100:1600]
    assert server.asked[1].headers["range"] == "bytes=800-1599"


def test_answers_that_break_off_for_ever_are_given_up(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    def script(asked: Asked) -> Reply:
        reply = _truth(asked)
        return Reply(status=206, headers=reply.headers, body=reply.body, cut_after=1)

    server.script = script
    with pytest.raises((Unreachable, TimedOut)):
        _read(ranges, opened)
    assert len(server.asked) <= 5


def test_stall_in_the_middle_ends_in_time(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    def script(asked: Asked) -> Reply:
        reply = _truth(asked)
        return Reply(
            status=206, headers=reply.headers, body=reply.body, cut_after=10, stall_seconds=2
        )

    server.script = script
    with pytest.raises((Unreachable, TimedOut)):
        _read(ranges, opened)


def test_server_that_hangs_up_once_is_asked_again(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    left = [Reply(hang_up=True)]
    server.script = lambda asked: left.pop() if left else _truth(asked)
    assert _read(ranges, opened) == DATA[100:1600]


def test_busy_server_is_asked_again_after_the_time_it_names(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    left = [Reply(status=503, headers={"Retry-After": "1"}, body=b"ServiceBusy: later\n")]
    server.script = lambda asked: left.pop() if left else _truth(asked)
    assert _read(ranges, opened) == DATA[100:1600]


def test_address_that_expired_is_renewed_once(
    server: ScriptedServer, connection: Connection, opened: OpenedContent
) -> None:
    left = [Reply(status=401, body=b"NotAuthenticated: the ticket has expired\n")]
    server.script = lambda asked: left.pop() if left else _truth(asked)
    renewed: list[OpenedContent] = []

    def reopen(old: OpenedContent) -> OpenedContent:
        renewed.append(old)
        return old

    ranges = ByteRanges(connection, reopen=reopen)
    assert _read(ranges, opened) == DATA[100:1600]
    assert renewed == [opened]
    ranges.close()


def test_redirect_to_a_dead_host_is_an_error(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent, dead_url: str
) -> None:
    server.replies(Reply(status=302, headers={"Location": dead_url + "/nowhere"}))
    with pytest.raises((Unreachable, TimedOut, MalformedAnswer)):
        _read(ranges, opened)


def test_dead_server_is_unreachable(ranges: ByteRanges, dead_url: str) -> None:
    for is_signed in (True, False):
        with pytest.raises(Unreachable):
            _read(ranges, _opened(dead_url, is_signed=is_signed))


def test_reader_that_stops_early_leaves_nothing_behind(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    server.script = _truth
    pieces = ranges.read(opened, 0, len(DATA))
    assert next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert _read(ranges, opened) == DATA[100:1600]


def test_fault_of_an_answer_is_a_fault_of_the_standard(
    server: ScriptedServer, ranges: ByteRanges, opened: OpenedContent
) -> None:
    server.replies(Reply(status=423, body=b"NodeLocked: /f\n"))
    with pytest.raises(Fault, match="NodeLocked: /f"):
        _read(ranges, opened)
