"""Uploads that fail: close() says so with the true errno, and the bytes are kept."""

import errno
import os

import pytest

from tests.support.content import MEBIBYTE, noise
from tests.support.mounts import Mounts
from tests.support.proxy import TRUTH, Falsehood, Proxy
from tests.support.space import Space
from tests.support.store import Store


def _close_errno(path: object, data: bytes) -> int | None:
    writer = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.write(writer, data)
    except OSError as error:
        os.close(writer)
        return error.errno
    try:
        os.close(writer)
    except OSError as error:
        return error.errno
    return None


def test_upload_over_the_quota_is_edquot_and_nothing_is_stored(
    own_space: Space, own_mounts: Mounts, own_store: Store
) -> None:
    own_space.server.administer("allocation", "set", "durand", "--quota", "8MiB")
    own_store.put("durand/kept", noise(4 * MEBIBYTE))
    mount = own_mounts.mount("vos:durand", user=own_space.owner)
    assert _close_errno(mount.path / "big", noise(6 * MEBIBYTE)) == errno.EDQUOT
    assert own_store.names("durand") == ["kept"]
    assert _close_errno(mount.path / "kept", noise(9 * MEBIBYTE, seed=2)) == errno.EDQUOT
    assert own_store.get("durand/kept") == noise(4 * MEBIBYTE)
    assert _close_errno(mount.path / "fits", noise(3 * MEBIBYTE)) is None


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"NotAuthenticated: the token has expired\n", errno.EACCES),
        (403, b"PermissionDenied: /durand/f\n", errno.EACCES),
        (413, b"QuotaExceeded: quota\n", errno.EDQUOT),
        (500, b"InternalFault: oops\n", errno.EIO),
    ],
)
def test_refused_upload_is_kept_and_sent_again_by_flush(
    mounts: Mounts,
    store: Store,
    folder: str,
    proxy: Proxy,
    status: int,
    body: bytes,
    expected: int,
) -> None:
    data = noise(2 * MEBIBYTE)
    mount = mounts.mount(
        f"vos:{folder}", "-o", "timeout=5", user=mounts.space.owner, service=proxy.url
    )
    refusal = Falsehood(status=status, body=body)
    # The request reaches the server, and the server's answer is lost: the worst of cases.
    proxy.liar = lambda method, _path: refusal if method == "PUT" else TRUTH
    assert _close_errno(mount.path / "result.fits", data) == expected
    assert "result.fits" in mount.control("status", str(mount.path))
    proxy.tell_the_truth()
    mount.control("flush", str(mount.path))
    assert store.get(f"{folder}/result.fits") == data
    assert (mount.path / "result.fits").read_bytes() == data
    assert mount.status()["pending"] == []


def test_later_writer_elsewhere_makes_a_strict_upload_stale(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"first")
    mount = mounts.mount(f"vos:{folder}", "-o", "strict", user=mounts.space.owner)
    assert (mount.path / "f").read_bytes() == b"first"
    editor = os.open(mount.path / "f", os.O_RDWR)
    os.pwrite(editor, b"FIRST", 0)
    store.put(f"{folder}/f", b"of another")
    with pytest.raises(OSError, match="Stale") as refusal:
        os.close(editor)
    assert refusal.value.errno == errno.ESTALE
    assert store.get(f"{folder}/f") == b"of another"


def test_later_close_wins_whole_without_strict(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", noise(MEBIBYTE))
    mount = mounts.mount(f"vos:{folder}", user=mounts.space.owner)
    editor = os.open(mount.path / "f", os.O_WRONLY | os.O_TRUNC)
    os.write(editor, b"mine")
    store.put(f"{folder}/f", b"of another")
    os.close(editor)
    assert store.get(f"{folder}/f") == b"mine"


def test_writing_where_only_reading_is_allowed_is_eacces(
    mounts: Mounts, store: Store, folder: str
) -> None:
    store.put(f"{folder}/f", b"content")
    space = mounts.space
    with space.client(space.owner) as client:
        document = client.get(f"/vault/nodes/{folder}?limit=0").text
        assert "vos:ContainerNode" in document
    mount = mounts.mount(f"vos:{folder}", "--read-only", user=space.owner)
    with pytest.raises(OSError, match=r"\[Errno") as refusal:
        (mount.path / "f").write_bytes(b"x")
    assert refusal.value.errno == errno.EROFS
