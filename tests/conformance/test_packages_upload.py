"""Archives pushed to containers become nodes in them (contract 1.6)."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable

import httpx
import pytest

from tests.conformance.packages import in_tar
from tests.conformance.trees import Tree, phase_of, results_of
from tests.support.space import Space
from tests.vospace_server.http.documents import CORE, endpoints_of, transfer

# Names with what they are: bytes of a file, None for a folder, `-> target` for a link.
Content = list[tuple[str, bytes | str | None]]
MTIME = 1_000_000_000


def _tar(content: Content, mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, what in content:
            info = tarfile.TarInfo(name)
            info.mtime = MTIME
            if what is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            elif isinstance(what, str):
                info.type, info.linkname = tarfile.SYMTYPE, what.removeprefix("-> ")
                archive.addfile(info)
            else:
                info.size = len(what)
                archive.addfile(info, io.BytesIO(what))
    return made.getvalue()


def _targz(content: Content) -> bytes:
    return _tar(content, "w:gz")


def _zip(content: Content) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, what in content:
            info = zipfile.ZipInfo(f"{name}/" if what is None else name)
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            if what is None:
                info.external_attr = 0o40755 << 16
            elif isinstance(what, str):
                info.external_attr = 0o120777 << 16
            bare = what.removeprefix("-> ") if isinstance(what, str) else what
            archive.writestr(info, bare or b"")
    return made.getvalue()


Packer = Callable[[Content], bytes]
PACKERS = [
    pytest.param("tar", _tar, id="tar"),
    pytest.param("targz", _targz, id="targz"),
    pytest.param("zip", _zip, id="zip"),
]


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> Tree:
    """A folder with an empty container `d`."""
    made = Tree(owner, folder)
    made.folder("d")
    return made


def _details(client: httpx.Client, path: str, view: str | None) -> httpx.Response:
    document = transfer(
        path,
        "pushToVoSpace",
        protocols=("httpput",),
        view=None if view is None else f"{CORE}{view}",
    )
    posted = client.post("/vault/synctrans", content=document)
    return client.get(posted.headers["location"])


def _job_of(details: httpx.Response) -> str:
    return str(details.url).removesuffix("/results/transferDetails")


def _pushed(tree: Tree, view: str, archive: bytes, name: str = "d") -> httpx.Response:
    """Push an archive into a container, as anybody with the address may."""
    (endpoint,) = endpoints_of(_details(tree.client, tree.path(name), view).text)
    return httpx.put(endpoint, content=archive, timeout=60)


@pytest.mark.parametrize(("view", "pack"), PACKERS)
def test_an_archive_becomes_nodes(tree: Tree, view: str, pack: Packer) -> None:
    """Compliance row 25: a push to a container with an archive view is unpacked."""
    image = os.urandom(2_500_000)
    content: Content = [
        ("hst", None),
        ("./hst/raw/é [1].fits", image),
        ("hst/raw/empty", b""),
        ("hst/latest", "-> raw/é [1].fits"),
        ("hst/raw/top", "-> ../.."),
        ("readme", b"text"),
    ]
    details = _details(tree.client, tree.path("d"), view)
    (endpoint,) = endpoints_of(details.text)
    answer = httpx.put(endpoint, content=pack(content), timeout=60)

    assert answer.status_code == 201
    assert "3 files (2500004 bytes), 2 new containers, 2 links" in answer.text
    assert tree.names("d") == ["hst", "readme"]
    read = tree.client.get(f"/vault/files/{tree.path('d/hst/latest')}", follow_redirects=True)
    assert read.content == image
    shown = tree.client.get(f"/vault/nodes/{tree.path('d/hst/raw/top')}").text
    assert f"<vos:target>vos://localhost~vault/{tree.path('d')}</vos:target>" in shown
    if view != "zip":
        shown = tree.client.get(f"/vault/nodes/{tree.path('d/readme')}").text
        assert "2001-09-09T01:46:40.000" in shown
    job = tree.client.get(_job_of(details)).text
    assert phase_of(job) == "COMPLETED"
    assert results_of(job)["successcount"] == "final:7"


def test_a_package_that_was_pulled_can_be_pushed(tree: Tree) -> None:
    """Contract 5 row 55: what a container is read as can be unpacked elsewhere."""
    tree.folder("from")
    tree.folder("from/sub")
    tree.file("from/sub/f", b"content")
    tree.link("from/link", tree.path("from/sub/f"))
    target = f"vos://localhost~vault/{tree.path('from')}"
    archive = tree.client.get("/vault/pkg", params={"TARGET": target, "FORMAT": "zip"})

    assert _pushed(tree, "zip", archive.content).status_code == 201
    again = tree.client.get("/vault/pkg", params={"TARGET": target.replace("/from", "/d/from")})
    assert in_tar(again.content) == {
        "from": "/",
        "from/sub": "/",
        "from/sub/f": b"content",
        "from/link": "-> sub/f",
    }


@pytest.mark.parametrize(("view", "pack"), PACKERS)
@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../evil",
        "a/../../evil",
        "..\\evil",
        "C:evil",
        "a/\x01",
        "n" * 256,
        "/".join("d" * 70),
    ],
    ids=["absolute", "up", "up-inside", "backslash", "drive", "control", "long", "deep"],
)
def test_no_name_leads_out_of_the_container(
    tree: Tree, view: str, pack: Packer, name: str
) -> None:
    """Contract 1.6: a name that leads elsewhere refuses the archive; nothing is made."""
    answer = _pushed(tree, view, pack([("good", b"1"), (name, b"2")]))

    assert answer.status_code == 400
    assert answer.text.startswith("InvalidData: ")
    assert tree.names("d") == []


@pytest.mark.parametrize(("view", "pack"), PACKERS)
@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "a/../../x", "..\\x"])
def test_no_link_leads_out_of_the_container(
    tree: Tree, view: str, pack: Packer, target: str
) -> None:
    """Contract 1.6: a symbolic link that leads out refuses the archive."""
    answer = _pushed(tree, view, pack([("good", b"1"), ("a/l", f"-> {target}")]))

    assert (answer.status_code, answer.text.partition(":")[0]) == (
        (201, "unpacked into vos") if target == "a/../../x" else (400, "InvalidData")
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
    ],
)
def test_what_no_space_holds_is_refused_with_a_sentence(
    tree: Tree, kind: bytes, word: str
) -> None:
    """Contract 1.6: hard links and devices are refused by name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("first"))
        odd = tarfile.TarInfo("odd")
        odd.type, odd.linkname = kind, "first"
        archive.addfile(odd)
    answer = _pushed(tree, "tar", made.getvalue())

    assert answer.status_code == 400
    assert "'odd'" in answer.text
    assert word in answer.text
    assert tree.names("d") == []


@pytest.mark.parametrize(("view", "pack"), PACKERS[1:])
def test_a_bomb_is_refused(tree: Tree, view: str, pack: Packer) -> None:
    """Contract 1.6: content far larger than its archive is refused before it is made."""
    answer = _pushed(tree, view, pack([("zeros", bytes(65 << 20))]))

    assert answer.status_code == 400
    assert "200 times as large" in answer.text
    assert tree.names("d") == []


def test_content_beyond_the_quota_is_refused_before_anything_is_made(
    owner: httpx.Client, shared_space: Space
) -> None:
    """Contract 7-20: an archive that can't fit is 413 with the word quota, nothing is made."""
    path = "quota-of-archives"
    shared_space.server.administer(
        "allocation", "add", path, "--owner", "durand", "--quota", "1000B"
    )
    tree = Tree(owner, path)
    tree.folder("d")
    answer = _pushed(tree, "zip", _zip([("a", bytes(600)), ("b", bytes(600))]))

    assert answer.status_code == 413
    assert "quota" in answer.text
    assert tree.names("d") == []
    assert _pushed(tree, "tar", _tar([("a", bytes(600)), ("b", bytes(400))])).status_code == 201
    # The same again replaces what is there, and fits.
    assert _pushed(tree, "tar", _tar([("a", bytes(600)), ("b", bytes(400))])).status_code == 201


def test_no_link_in_the_container_leads_out_of_it(tree: Tree) -> None:
    """Contract 1.6: links that stand in the container are not followed."""
    tree.folder("outside")
    tree.file("victim", b"old")
    tree.link("d/folder", tree.path("outside"))
    tree.link("d/file", tree.path("victim"))

    for name in ("folder/x", "file"):
        answer = _pushed(tree, "tar", _tar([(name, b"new")]))
        assert (answer.status_code, answer.text.partition(":")[0]) == (409, "DuplicateNode")
    assert tree.names("outside") == []
    found = tree.client.get(f"/vault/files/{tree.path('victim')}", follow_redirects=True)
    assert found.content == b"old"


def test_what_is_there_is_used_and_replaced(tree: Tree) -> None:
    """Contract 1.6: containers are used, files replaced; the later duplicate counts."""
    tree.folder("d/sub")
    tree.file("d/sub/f", b"old")
    tree.file("d/other", b"other")
    answer = _pushed(tree, "tar", _tar([("sub/f", b"first"), ("sub/f", b"last"), ("new", b"")]))
    read = tree.client.get(f"/vault/files/{tree.path('d/sub/f')}", follow_redirects=True)

    assert "2 files (4 bytes), 0 new containers" in answer.text
    assert read.content == b"last"
    assert tree.names("d") == ["new", "other", "sub"]


@pytest.mark.parametrize(
    "content",
    [[("a", b"1"), ("a/b", b"2")], [("a", None), ("a", b"1")], [("a", "-> b"), ("a/c", b"1")]],
)
def test_a_name_is_one_thing(tree: Tree, content: Content) -> None:
    """Contract 1.6: a name that is a file here and a folder there refuses the archive."""
    answer = _pushed(tree, "tar", _tar(content))

    assert answer.status_code == 400
    assert "two different things" in answer.text


@pytest.mark.parametrize(("view", "pack"), PACKERS)
def test_a_damaged_archive_is_refused_and_may_be_sent_again(
    tree: Tree, view: str, pack: Packer
) -> None:
    """Contract 1.6: an archive that is cut off makes nothing; its address stays good."""
    archive = pack([("a", os.urandom(5000)), ("b", os.urandom(5000))])
    details = _details(tree.client, tree.path("d"), view)
    (endpoint,) = endpoints_of(details.text)

    for damaged in (archive[:6000], b"", b"no archive at all"):
        answer = httpx.put(endpoint, content=damaged)
        assert (answer.status_code, answer.text.partition(":")[0]) == (400, "InvalidData")
    assert tree.names("d") == []
    assert httpx.put(endpoint, content=archive).status_code == 201
    assert tree.names("d") == ["a", "b"]
    # And then it is used up.
    assert httpx.put(endpoint, content=archive).status_code == 403


def test_a_failure_half_way_says_what_was_unpacked(tree: Tree) -> None:
    """Contract 1.6: unpacking stops at the first node that can't be made, and says so."""
    tree.folder("d/locked")
    tree.lock("d/locked")
    details = _details(tree.client, tree.path("d"), "tar")
    (endpoint,) = endpoints_of(details.text)
    answer = httpx.put(endpoint, content=_tar([("x/a", b"1"), ("locked/b", b"2"), ("c", b"3")]))
    job = tree.client.get(_job_of(details)).text

    assert answer.status_code == 403
    assert "2 nodes were unpacked before" in answer.text
    assert phase_of(job) == "ERROR"
    counts = results_of(job)
    assert (counts["successcount"], counts["errorcount"]) == ("final:2", "final:1")
    assert tree.names("d") == ["locked", "x"]


@pytest.mark.parametrize(
    ("name", "view", "error"),
    [
        ("d", None, "ViewNotSupported"),
        ("d", "binaryview", "ViewNotSupported"),
        ("f", "tar", "ViewNotSupported"),
        ("no", "zip", "NodeNotFound"),
    ],
)
def test_only_containers_take_archives(
    tree: Tree, name: str, view: str | None, error: str
) -> None:
    """Contract 1.6: a container is pushed to with an archive view only, and nothing else is."""
    tree.file("f")
    details = _details(tree.client, tree.path(name), view)

    assert endpoints_of(details.text) == []
    assert tree.client.get(f"{_job_of(details)}/error").text == error


def test_who_may_not_write_may_not_unpack(tree: Tree, stranger: httpx.Client) -> None:
    """Contract 7-12: a push to a container that the caller may not write has no endpoint."""
    details = _details(stranger, tree.path("d"), "tar")

    assert endpoints_of(details.text) == []
    assert stranger.get(f"{_job_of(details)}/error").text == "PermissionDenied"


def test_an_address_is_for_what_it_was_made_for(tree: Tree) -> None:
    """Contract 7-13: an address for an archive is none for bytes, and the other way round."""
    (archives,) = endpoints_of(_details(tree.client, tree.path("d"), "tar").text)
    (plain,) = endpoints_of(_details(tree.client, tree.path("f"), None).text)

    swapped = httpx.put(plain.replace("/data/", "/unpack/"), content=_tar([]))
    assert swapped.status_code == 403
    assert httpx.put(archives.replace("/unpack/", "/data/"), content=b"x").status_code == 400
    assert httpx.put(archives.replace("/unpack/", "/unpack/x"), content=b"").status_code == 403
