"""A network that lies: the right bytes or an error in time, and nothing wrong is kept."""

import errno
import time
from pathlib import Path

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts, wait_until
from tests.support.proxy import TRUTH, Falsehood, Liar, Proxy, is_data
from tests.support.store import Store

DATA = noise(2 * MEBIBYTE + 123)
PATIENCE_SECONDS = 45
BAD_ERRNOS = {errno.EIO, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ESTALE, errno.EACCES}


def _about_data(lie: Falsehood, *, times: int = 1_000_000) -> Liar:
    """Falsify the first `times` answers that carry content."""
    left = [times]

    def liar(_method: str, path: str) -> Falsehood:
        if not is_data(path) or left[0] == 0:
            return TRUTH
        left[0] -= 1
        return lie

    return liar


LIES = {
    "another range than asked": Falsehood(
        headers=(("Content-Range", f"bytes 5-104/{len(DATA)}"),), body=b"z" * 100
    ),
    "another length of the whole": Falsehood(headers=(("Content-Range", "bytes 0-9/10"),)),
    "the whole instead of a range": Falsehood(whole_instead_of_range=True),
    "a short body": Falsehood(send_only=1000),
    "no body": Falsehood(send_only=0),
    "a stall in the middle": Falsehood(send_only=1000, stall_seconds=15),
    "busy": Falsehood(
        status=503, headers=(("Retry-After", "1"),), body=b"ServiceBusy: later\n"
    ),
    "an internal fault": Falsehood(status=500, body=b"InternalFault: oops\n"),
    "a page of a captive portal": Falsehood(
        status=200, headers=(("Content-Type", "text/html"),), body=b"<html>log in</html>"
    ),
    "a redirect to a dead host": Falsehood(
        status=302, headers=(("Location", "http://127.0.0.1:9/nowhere"),), body=b""
    ),
    "another version's tag": Falsehood(headers=(("ETag", '"0123"'),)),
    "not found": Falsehood(status=404, body=b"NodeNotFound: /x\n"),
    "not authenticated": Falsehood(status=401, body=b"NotAuthenticated: token expired\n"),
    "a wrong byte": Falsehood(flip_first_byte=True),
}


@pytest.mark.parametrize("lie", LIES)
def test_wrong_answer_ends_in_right_bytes_or_an_error_and_is_not_kept(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy, lie: str
) -> None:
    store.put(f"{folder}/f", DATA)
    owner = mounts.space.owner
    mount = mounts.mount(f"vos:{folder}", "-o", "timeout=4", user=owner, service=proxy.url)
    proxy.liar = _about_data(LIES[lie])
    started = time.monotonic()
    try:
        found = (mount.path / "f").read_bytes()
    except OSError as error:
        assert error.errno in BAD_ERRNOS
    else:
        assert found == DATA or lie == "a wrong byte"
    assert time.monotonic() - started < PATIENCE_SECONDS
    assert (mount.path / "f").stat().st_size == len(DATA)

    proxy.tell_the_truth()
    wait_until(lambda: _reads_right(mount.path / "f"), "right bytes once the network is right")


def _reads_right(path: Path) -> bool:
    try:
        return path.read_bytes() == DATA
    except OSError:
        return False


@pytest.mark.parametrize("lie", ["a short body", "busy", "a wrong byte", "not authenticated"])
def test_one_wrong_answer_is_not_noticed(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy, lie: str
) -> None:
    store.put(f"{folder}/f", DATA)
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner, service=proxy.url)
    proxy.liar = _about_data(LIES[lie], times=1)
    if lie == "a wrong byte":
        # Only the whole file's digest can tell; the reader of the wrong byte may have it.
        (mount.path / "f").read_bytes()
        wait_until(lambda: _reads_right(mount.path / "f"), "right bytes after verification")
    else:
        assert (mount.path / "f").read_bytes() == DATA


def test_server_fault_is_not_taken_for_a_missing_file(
    mounts: Mounts, store: Store, folder: str, proxy: Proxy
) -> None:
    store.put(f"{folder}/f", DATA)
    mount = mounts.mount(
        f"vos:{folder}", "-o", "timeout=3", user=mounts.space.owner, service=proxy.url
    )
    fault = Falsehood(status=500, body=b"InternalFault: oops\n")
    proxy.liar = lambda _method, path: fault if "/f" in path or "children" in path else TRUTH
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        (mount.path / "f").stat()
    assert refusal.value.errno != errno.ENOENT
    proxy.tell_the_truth()
    wait_until(lambda: (mount.path / "f").read_bytes() == DATA, "no negative entry is left")
