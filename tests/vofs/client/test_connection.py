"""Retries, bounds, and the border at which httpx's errors become ours."""

import time

import pytest

from tests.vofs.client.conftest import Reply, ScriptedServer
from vofs.client.connection import Connection
from vofs.client.deadline import limited
from vofs.client.errors import MalformedAnswer, TimedOut, Unreachable
from vospace_model.faults import InternalFault, NodeNotFound, QuotaExceeded, ServiceBusy


def test_passing_trouble_is_not_noticed(server: ScriptedServer, connection: Connection) -> None:
    server.replies(
        Reply(status=503, body=b"ServiceBusy\n"), Reply(hang_up=True), Reply(body=b"here")
    )
    assert connection.request("GET", server.url).content == b"here"
    assert len(server.asked) == 3
    assert connection.traffic.report().failures == 1


def test_answer_that_breaks_off_is_asked_for_again(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(body=b"whole answer", cut_after=3), Reply(body=b"whole answer"))
    assert connection.request("GET", server.url).content == b"whole answer"


def test_what_may_have_been_done_is_not_done_twice(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(hang_up=True), Reply(body=b"never asked"))
    with pytest.raises(Unreachable):
        connection.request("POST", server.url, content=b"move")
    assert len(server.asked) == 1


def test_fault_of_an_answer_is_raised_as_itself(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(status=413, body=b"QuotaExceeded: quota of 10 bytes\n"))
    with pytest.raises(QuotaExceeded, match="quota of 10 bytes"):
        connection.request("PUT", server.url, content=b"x")


def test_page_of_a_proxy_is_not_a_missing_node(
    server: ScriptedServer, connection: Connection
) -> None:
    page = Reply(status=404, headers={"Content-Type": "text/html; charset=x"}, body=b"<h1>")
    server.replies(page)
    with pytest.raises(MalformedAnswer):
        connection.request("GET", server.url)
    server.replies(Reply(status=404, body=b"NodeNotFound: /x\n"))
    with pytest.raises(NodeNotFound):
        connection.request("GET", server.url)


def test_unnamed_fault_is_judged_by_its_status(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(status=500, body=b"Traceback"))
    with pytest.raises(InternalFault):
        connection.request("GET", server.url)


def test_server_that_stays_busy_says_so_in_time(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(status=503, headers={"Retry-After": "600"}, body=b"ServiceBusy\n"))
    started = time.monotonic()
    with pytest.raises(ServiceBusy):
        connection.request("GET", server.url)
    assert time.monotonic() - started < 2


def test_silent_server_times_out(server: ScriptedServer, connection: Connection) -> None:
    server.replies(Reply(body=b"x" * 10, cut_after=0, stall_seconds=3))
    started = time.monotonic()
    with pytest.raises((TimedOut, Unreachable)):
        connection.request("GET", server.url)
    assert time.monotonic() - started < 4


def test_dead_server_is_unreachable_whatever_the_method(
    connection: Connection, dead_url: str
) -> None:
    for method in ("GET", "POST", "PUT"):
        with pytest.raises(Unreachable, match="can't be reached"):
            connection.request(method, dead_url)


def test_surrounding_limit_bounds_an_operation(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(body=b"x", cut_after=0, stall_seconds=2))
    started = time.monotonic()
    with limited(0.2), pytest.raises((TimedOut, Unreachable)):
        connection.request("GET", server.url)
    assert time.monotonic() - started < 1


def test_stream_translates_what_happens_while_it_is_read(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(body=b"x" * 100, cut_after=10))
    with (
        pytest.raises(Unreachable),
        connection.stream("GET", server.url) as response,
    ):
        list(response.iter_raw())
