"""The fetcher against real servers: bounded in every way, and never past the guard."""

import ipaddress
import threading
from collections.abc import Iterator

import pytest

from tests.support.remote_host import RemoteHost, closed_port
from vospace_model.faults import InvalidArgument, RequestEntityTooLarge, TransferFailed
from vospace_server.remote.fetcher import Cutter, Limits, RemoteFetcher
from vospace_server.remote.guard import Guard

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)


@pytest.fixture(scope="module")
def shared() -> Iterator[RemoteHost]:
    with RemoteHost(files={"/f": b"the bytes"}) as host:
        yield host


@pytest.fixture
def remote(shared: RemoteHost) -> RemoteHost:
    shared.requests.clear()
    shared.received.clear()
    shared.cut.clear()
    shared.reached.clear()
    return shared


def fetcher(guard: Guard | None = None, limits: Limits | None = None) -> RemoteFetcher:
    return RemoteFetcher(
        guard=guard or Guard(allowed_networks=LOOPBACK), limits=limits or Limits()
    )


def read(url: str, limits: Limits | None = None, guard: Guard | None = None) -> bytes:
    with fetcher(guard, limits).read(url, Cutter()) as content:
        return b"".join(content.chunks)


def write(url: str, body: bytes) -> None:
    fetcher().write(
        url, lambda: iter([body]), length=len(body), media_type="text/x", cutter=Cutter()
    )


def test_bytes_come_with_their_length_and_type(remote: RemoteHost) -> None:
    with fetcher().read(remote.url("/f"), Cutter()) as content:
        chunks = b"".join(content.chunks)

    assert (content.length, content.media_type) == (9, "application/fits")
    assert chunks == b"the bytes"
    [(_, _, headers)] = remote.requests
    assert headers["host"] == f"127.0.0.1:{remote.port}"
    assert headers["accept-encoding"] == "identity"
    assert "cookie" not in headers
    assert "authorization" not in headers


def test_bytes_of_unknown_length_come_too(remote: RemoteHost) -> None:
    with fetcher().read(remote.url("/unknown"), Cutter()) as content:
        assert content.length is None
        assert b"".join(content.chunks) == b"hello"


def test_bytes_are_sent(remote: RemoteHost) -> None:
    write(remote.url("/new"), b"sent")

    assert remote.received == {"/new": b"sent"}
    [(_, _, headers)] = remote.requests
    assert (headers["content-length"], headers["content-type"]) == ("4", "text/x")


def test_a_host_that_is_not_public_is_not_even_connected_to(remote: RemoteHost) -> None:
    with pytest.raises(InvalidArgument):
        read(remote.url("/f"), guard=Guard())
    with pytest.raises(InvalidArgument):
        read(f"http://localhost:{remote.port}/f", guard=Guard())

    assert remote.requests == []


def test_a_name_that_changes_its_address_after_the_check_is_not_asked_again(
    remote: RemoteHost,
) -> None:
    """The resolver says a harmless address once and then the one of a rebinding attack."""
    answers = ["127.0.0.1", "10.0.0.1"]
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [answers[len(asked) - 1]]

    guard = Guard(allowed_networks=LOOPBACK, resolve=rebinding)

    assert read(f"http://rebind.test:{remote.port}/f", guard=guard) == b"the bytes"
    assert asked == ["rebind.test"]
    [(_, _, headers)] = remote.requests
    assert headers["host"] == f"rebind.test:{remote.port}"


def test_redirects_are_followed_to_where_one_may_go(remote: RemoteHost) -> None:
    assert read(remote.url(f"/redirect?{remote.url('/f')}")) == b"the bytes"
    assert read(remote.url("/again?/f")) == b"the bytes"

    write(remote.url("/again?/new"), b"sent again")
    assert remote.received == {"/new": b"sent again"}


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2/f", "http://localhost.test/f", "file:///etc/passwd", "gopher://x/"],
)
def test_a_redirect_to_where_one_may_not_go_is_refused(remote: RemoteHost, target: str) -> None:
    guard = Guard(
        allowed_networks=LOOPBACK,
        resolve=lambda host, _port: ["127.0.0.2" if host == "localhost.test" else host],
    )
    with pytest.raises(InvalidArgument):
        read(remote.url(f"/redirect?{target}"), guard=guard)


def test_an_endless_chain_of_redirects_ends(remote: RemoteHost) -> None:
    with pytest.raises(TransferFailed, match="redirects"):
        read(remote.url("/loop"), Limits(max_redirects=3))

    assert len(remote.requests) == 4


def test_a_put_does_not_become_a_get_by_a_redirect(remote: RemoteHost) -> None:
    with pytest.raises(TransferFailed, match="302"):
        write(remote.url("/redirect?/new"), b"x")


@pytest.mark.parametrize("path", ["/none", "/status?206", "/status?500", "/short"])
def test_an_answer_that_is_not_all_of_the_bytes_fails(remote: RemoteHost, path: str) -> None:
    with pytest.raises(TransferFailed):
        read(remote.url(path))


def test_a_refused_connection_fails() -> None:
    with pytest.raises(TransferFailed, match="can't be reached"):
        read(f"http://127.0.0.1:{closed_port()}/")


def test_a_connection_goes_to_the_next_address_when_the_first_does_not_answer(
    remote: RemoteHost,
) -> None:
    guard = Guard(
        allowed_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        resolve=lambda _host, _port: ["127.0.0.3", "127.0.0.1"],
    )

    assert read(f"http://two.test:{remote.port}/f", guard=guard) == b"the bytes"


def test_a_body_larger_than_the_limit_is_given_up_at_once(remote: RemoteHost) -> None:
    with pytest.raises(RequestEntityTooLarge):
        read(remote.url("/f"), Limits(max_bytes=8))
    with pytest.raises(RequestEntityTooLarge):
        read(remote.url("/endless"), Limits(max_bytes=1 << 20))

    assert remote.cut.wait(20)


@pytest.mark.parametrize("path", ["/stall", "/silent"])
def test_a_host_that_falls_silent_is_given_up(remote: RemoteHost, path: str) -> None:
    with pytest.raises(TransferFailed):
        read(remote.url(path), Limits(idle_seconds=0.1))


def test_a_body_that_drips_is_given_up_after_the_whole_time(remote: RemoteHost) -> None:
    with pytest.raises(TransferFailed, match="longer than"):
        read(remote.url("/slow"), Limits(total_seconds=0.2))

    assert remote.cut.wait(20)


@pytest.mark.parametrize("path", ["/stall", "/silent"])
def test_another_thread_cuts_the_connection_whatever_it_waits_for(
    remote: RemoteHost, path: str
) -> None:
    cutter = Cutter()

    def cut() -> None:
        assert remote.reached.wait(20)
        cutter.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    with (
        pytest.raises(TransferFailed),
        fetcher().read(remote.url(path), cutter) as content,
    ):
        list(content.chunks)
    thread.join()

    assert remote.cut.wait(20)


def test_proxies_of_the_environment_have_no_say(
    remote: RemoteHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")

    assert read(remote.url("/f")) == b"the bytes"
