"""Archives become nodes: what the space counts, and archives that nobody honest made."""

import gzip
import io
import struct
import tarfile
import threading
import zipfile
from collections.abc import Iterator

import pytest

from tests.vospace_server.services.byte_space import ByteSpace
from tests.vospace_server.services.tree_space import at
from vospace_model.faults import (
    ContainerNotFound,
    InvalidData,
    PermissionDenied,
    QuotaExceeded,
    ServiceBusy,
    ViewNotSupported,
)
from vospace_model.properties import Cadc
from vospace_model.views import ViewUri
from vospace_server.domain.identity import Caller
from vospace_server.services.unpacking import (
    Unpacked,
    UnpackingStoppedError,
    UnpackOrder,
    UnpackService,
)
from vospace_server.storage.memory import MemoryStore


@pytest.fixture
def space(database_url: str) -> Iterator[ByteSpace]:
    made = ByteSpace(database_url, MemoryStore())
    yield made
    assert made.check() == []
    made.close()


@pytest.fixture
def unpacking(space: ByteSpace) -> UnpackService:
    return UnpackService(tree=space.tree.tree, nodes=space.tree.nodes, data=space.data)


def _tar(**files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def _unpack(
    unpacking: UnpackService,
    caller: Caller,
    archive: bytes,
    view_uri: str = ViewUri.TAR,
    path: str = "/alice",
) -> Unpacked:
    order = UnpackOrder(
        path=at(path), view_uri=view_uri, archive=io.BytesIO(archive), length=len(archive)
    )
    return unpacking.unpack(caller, order)


def test_quota_and_sizes_are_exact(space: ByteSpace, unpacking: UnpackService) -> None:
    space.put("/alice/f", b"12345")
    archive = _tar(**{"f": b"123", "d/g": b"12"})

    assert _unpack(unpacking, space.alice, archive) == Unpacked(
        files=2, containers=1, size_bytes=5
    )
    assert space.used() == 5
    assert space.read("/alice/d/g") == b"12"


def test_what_can_not_fit_is_refused_before_anything_is_made(
    space: ByteSpace, unpacking: UnpackService
) -> None:
    with pytest.raises(QuotaExceeded):
        _unpack(unpacking, space.alice, _tar(a=bytes(600_000), b=bytes(600_000)))
    assert space.tree.names("/alice") == []
    assert space.used() == 0


def test_a_stop_half_way_leaves_what_was_made_and_no_more(
    space: ByteSpace, unpacking: UnpackService
) -> None:
    space.tree.mkdir("/alice/d")
    space.put("/alice/d/old", bytes(500_000))
    # As much as is there could be replaced, so only unpacking itself shows that it is not.
    archive = _tar(a=bytes(300_000), b=bytes(300_000), c=b"1")

    with pytest.raises(UnpackingStoppedError) as stopped:
        _unpack(unpacking, space.alice, archive)
    assert isinstance(stopped.value.fault, QuotaExceeded)
    assert stopped.value.done == Unpacked(files=1, size_bytes=300_000)
    assert space.tree.names("/alice") == ["a", "d"]
    assert space.used() == 800_000


def test_a_store_that_fails_stops_it_with_a_fault(
    space: ByteSpace, unpacking: UnpackService
) -> None:
    space.tree.mkdir("/alice/d")
    space.tree.set("/alice/d", {Cadc.ISLOCKED: "true"})

    with pytest.raises(UnpackingStoppedError) as stopped:
        _unpack(unpacking, space.alice, _tar(**{"a": b"1", "d/b": b"2"}))
    assert isinstance(stopped.value.fault, PermissionDenied)
    assert space.used() == 1


def test_only_a_container_that_may_be_written_will_do(
    space: ByteSpace, unpacking: UnpackService
) -> None:
    space.put("/alice/f", b"1")
    bob = space.tree.user("bob")

    with pytest.raises(ViewNotSupported):
        unpacking.check(space.alice, at("/alice/f"))
    with pytest.raises(ContainerNotFound):
        unpacking.check(space.alice, at("/alice/no/such"))
    with pytest.raises(PermissionDenied):
        _unpack(unpacking, bob, _tar(a=b"1"))


def test_few_archives_are_unpacked_at_a_time(
    space: ByteSpace, unpacking: UnpackService
) -> None:
    going, gone_on = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        going.release()
        gone_on.wait(20)

    def unpack(name: str) -> None:
        archive = _tar(**{name: b"1"})
        order = UnpackOrder(
            path=at("/alice"),
            view_uri=ViewUri.TAR,
            archive=io.BytesIO(archive),
            length=len(archive),
            beat=wait,
        )
        unpacking.unpack(space.alice, order)

    threads = [threading.Thread(target=unpack, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert going.acquire(timeout=20)
    with pytest.raises(ServiceBusy):
        _unpack(unpacking, space.alice, _tar(c=b"1"))
    gone_on.set()
    for thread in threads:
        thread.join()
    assert space.tree.names("/alice") == ["a", "b"]


def _huge_header() -> bytes:
    """A tar whose extended header says that it has 1 GiB; packed, it may be that long."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    return info.tobuf(tarfile.USTAR_FORMAT) + bytes(4096)


def _zip(*, flags: int = 0, method: int = 0) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", b"content")
    whole = bytearray(made.getvalue())
    at_directory = whole.index(b"PK\x01\x02")
    for offset in (6, at_directory + 8):
        struct.pack_into("<H", whole, offset, flags)
    for offset in (8, at_directory + 10):
        struct.pack_into("<H", whole, offset, method)
    return bytes(whole)


def _long_directory() -> bytes:
    whole = bytearray(_zip())
    struct.pack_into("<L", whole, whole.index(b"PK\x05\x06") + 12, 0xF0000000)
    return bytes(whole)


def _wrong_content() -> bytes:
    return _zip().replace(b"content", b"connect")


def _overlapping() -> bytes:
    """Many entries of the directory share the bytes of one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", bytes(4000))
    whole = made.getvalue()
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    record = bytearray(whole[start:end])
    directory = b"".join(
        bytes(record[:46]) + bytes([97 + n]) + bytes(record[47:]) for n in range(20)
    )
    tail = bytearray(whole[end:])
    struct.pack_into("<2H2L", tail, 8, 20, 20, len(directory), start)
    return whole[:start] + directory + bytes(tail)


@pytest.mark.parametrize(
    ("view_uri", "archive"),
    [
        (ViewUri.TAR, _huge_header()),
        (ViewUri.TAR_GZ, gzip.compress(_huge_header())),
        (ViewUri.TAR_GZ, _tar(a=b"1")),
        (ViewUri.TAR, _tar(a=b"1")[:1024]),
        (ViewUri.TAR, _tar(a=b"1")[:1024] + b"x" * 512),
        (ViewUri.TAR_GZ, gzip.compress(_tar(a=b"1"))[:-12]),
        (ViewUri.TAR_GZ, gzip.compress(_tar(a=b"1") + bytes(2 << 20))),
        (ViewUri.ZIP, _zip(flags=1)),
        (ViewUri.ZIP, _long_directory()),
        (ViewUri.ZIP, _overlapping()),
        (ViewUri.ZIP, _tar(a=b"1")),
    ],
    ids=[
        "header", "header-gz", "not-gz", "no-end", "garbage", "cut-gz", "tail",
        "encrypted", "directory", "overlapping", "not-zip",
    ],
)  # fmt: skip
def test_what_nobody_honest_sends_makes_nothing(
    space: ByteSpace, unpacking: UnpackService, view_uri: str, archive: bytes
) -> None:
    with pytest.raises(InvalidData):
        _unpack(unpacking, space.alice, archive, view_uri)
    assert space.tree.names("/alice") == []


@pytest.mark.parametrize("archive", [_wrong_content(), _zip(method=99)])
def test_content_that_is_not_as_it_says_stops_the_unpacking(
    space: ByteSpace, unpacking: UnpackService, archive: bytes
) -> None:
    with pytest.raises(UnpackingStoppedError) as stopped:
        _unpack(unpacking, space.alice, archive, ViewUri.ZIP)
    assert isinstance(stopped.value.fault, InvalidData)
    assert stopped.value.done == Unpacked()
    assert space.tree.names("/alice") == []
