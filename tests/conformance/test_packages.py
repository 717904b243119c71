"""/pkg: many nodes as one tar or zip archive (contract 1.7)."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.conformance.packages import TAR, ZIP, in_tar, in_zip, package_document
from tests.conformance.trees import Tree, phase_of
from tests.support.space import Space, add_user
from tests.vospace_server.http.documents import CORE, endpoints_of, transfer, uri

Unpack = Callable[[bytes], dict[str, bytes | str]]
FORMATS = [pytest.param(TAR, in_tar, id="tar"), pytest.param(ZIP, in_zip, id="zip")]


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> Tree:
    """A folder with two branches, an empty one among them."""
    made = Tree(owner, folder)
    for name in ("hst", "hst/raw", "hst/empty", "notes"):
        made.folder(name)
    made.file("hst/raw/o4sp040b0_raw.fits", b"SIMPLE" * 1000)
    made.file("hst/raw/o4sp040b0_spt.fits", b"")
    made.file("notes/é [1] b.txt", b"text")
    return made


def _run(client: httpx.Client, document: str) -> httpx.Response:
    """Post a transfer to /pkg and fetch what it leads to."""
    posted = client.post("/vault/pkg", content=document)
    assert posted.status_code == 303, posted.text
    return client.get(posted.headers["location"])


@pytest.mark.parametrize(("media_type", "unpack"), FORMATS)
def test_several_targets_come_as_one_archive(
    tree: Tree, media_type: str, unpack: Unpack
) -> None:
    """Contract 5 row 54: several targets in one transfer come as one archive, folders too."""
    answer = _run(
        tree.client, package_document([tree.path("hst"), tree.path("notes")], media_type)
    )

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert "attachment; filename=" in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert unpack(answer.content) == {
        "hst": "/",
        "hst/empty": "/",
        "hst/raw": "/",
        "hst/raw/o4sp040b0_raw.fits": b"SIMPLE" * 1000,
        "hst/raw/o4sp040b0_spt.fits": b"",
        "notes": "/",
        "notes/é [1] b.txt": b"text",
    }


def test_tar_is_the_default(tree: Tree) -> None:
    """Contract 1.7: without a format parameter the archive is a tar."""
    answer = _run(tree.client, package_document([tree.path("notes")]))

    assert answer.headers["content-type"] == TAR
    assert "notes" in in_tar(answer.content)


def test_a_job_is_suspended_until_its_archive_is_fetched(tree: Tree) -> None:
    """Contract 1.7: the job of a package is SUSPENDED, then 303 to /pkg/{id}/run."""
    posted = tree.client.post("/vault/pkg", content=package_document([tree.path("notes")]))
    run = posted.headers["location"]
    job = run.removesuffix("/run")

    assert posted.status_code == 303
    assert run.endswith("/run")
    assert tree.client.get(f"{job}/phase").text == "SUSPENDED"
    head = tree.client.head(run)
    assert tree.client.get(f"{job}/phase").text == "SUSPENDED"
    fetched = tree.client.get(run)
    assert int(head.headers["content-length"]) == len(fetched.content)
    assert phase_of(tree.client.get(job).text) == "COMPLETED"
    # Who fetches it again gets it again.
    assert in_tar(tree.client.get(run).content) == in_tar(fetched.content)
    assert job.rpartition("/")[2] in tree.client.get("/vault/pkg").text


def test_a_transfer_to_synctrans_ends_in_a_package(tree: Tree) -> None:
    """Contract 1.7: CADC's suite posts the package's transfer to /synctrans."""
    posted = tree.client.post("/vault/synctrans", content=package_document([tree.path("hst")]))
    details = tree.client.get(posted.headers["location"])
    (endpoint,) = endpoints_of(details.text)

    assert "/vault/data/" in endpoint
    assert "hst/empty" in in_tar(tree.client.get(endpoint).content)


@pytest.mark.parametrize(("media_type", "unpack"), FORMATS)
def test_a_missing_or_denied_target_gives_an_empty_archive(
    tree: Tree, stranger: httpx.Client, anonymous: httpx.Client, media_type: str, unpack: Unpack
) -> None:
    """Contract 1.7: a missing or denied target leaves an empty but valid archive."""
    missing = _run(tree.client, package_document([tree.path("no/such")], media_type))
    denied = _run(stranger, package_document([tree.path("hst")], media_type))
    nobody = _run(anonymous, package_document([tree.path("hst")], media_type))

    for answer in (missing, denied, nobody):
        assert answer.status_code == 200
        assert unpack(answer.content) == {}
        assert int(answer.headers["content-length"]) == len(answer.content)
    if media_type == TAR:
        assert len(missing.content) == 1024


def test_unreadable_nodes_are_skipped(
    tree: Tree, member: httpx.Client, shared_space: Space
) -> None:
    """Contract 1.7: what the caller may not read is left out, the rest is there."""
    tree.client.patch("/api/v1/nodes/durand", json={"public": True}).raise_for_status()
    try:
        for name in ("", "hst", "hst/raw"):
            tree.set(name, "ContainerNode", {f"{CORE}groupread": shared_space.group_uri})
        tree.set(
            "hst/raw/o4sp040b0_spt.fits",
            "DataNode",
            {f"{CORE}groupread": shared_space.group_uri},
        )
        found = in_tar(_run(member, package_document([tree.path()])).content)
    finally:
        tree.client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()

    top = tree.root.rpartition("/")[2]
    assert sorted(found) == [
        top,
        f"{top}/hst",
        f"{top}/hst/raw",
        f"{top}/hst/raw/o4sp040b0_spt.fits",
    ]


@pytest.mark.parametrize(("media_type", "unpack"), FORMATS)
def test_links_inside_become_relative_and_links_out_are_resolved(
    tree: Tree, media_type: str, unpack: Unpack
) -> None:
    """Contract 1.7: links into the package become relative symlinks, others are resolved."""
    tree.folder("elsewhere")
    tree.file("elsewhere/calibration.fits", b"bias")
    tree.link("elsewhere/back", tree.path("hst/raw"))
    tree.link("elsewhere/self", tree.path("elsewhere"))
    tree.link("hst/raw/latest", tree.path("hst/raw/o4sp040b0_raw.fits"))
    tree.link("hst/up", tree.path("hst"))
    tree.link("hst/cal.fits", tree.path("elsewhere/calibration.fits"))
    tree.link("hst/more", tree.path("elsewhere"))
    tree.link("hst/broken", tree.path("no/such"))
    tree.link("hst/page", "https://example.org/x")
    tree.link("hst/other", tree.path("notes"))

    answer = _run(
        tree.client, package_document([tree.path("hst"), tree.path("notes")], media_type)
    )
    found = unpack(answer.content)

    assert int(answer.headers["content-length"]) == len(answer.content)
    links = {name: what for name, what in found.items() if str(what).startswith("->")}
    assert links == {
        "hst/raw/latest": "-> o4sp040b0_raw.fits",
        "hst/up": "-> .",
        "hst/other": "-> ../notes",
        "hst/more/back": "-> ../raw",
        "hst/more/self": "-> .",
    }
    assert found["hst/cal.fits"] == b"bias"
    assert found["hst/more/calibration.fits"] == b"bias"
    assert not {"hst/broken", "hst/page"} & found.keys()


def test_a_link_to_what_the_caller_may_not_read_is_left_out(
    tree: Tree, shared_space: Space, member: httpx.Client
) -> None:
    """Contract 1.7: links are authorised anew at each hop."""
    for path in ("durand", tree.root, tree.path("notes")):
        tree.client.patch(f"/api/v1/nodes/{path}", json={"public": True}).raise_for_status()
    try:
        tree.link("notes/secret", tree.path("hst/raw/o4sp040b0_raw.fits"))
        link = tree.path("notes/secret")
        tree.client.patch(f"/api/v1/nodes/{link}", json={"public": True}).raise_for_status()
        found = in_tar(_run(member, package_document([tree.path("notes")])).content)
    finally:
        tree.client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()

    assert sorted(found) == ["notes"]
    assert shared_space.group_uri not in str(found)


@pytest.mark.parametrize(("media_type", "program"), [(TAR, "tar"), (ZIP, "unzip")])
def test_the_usual_programs_unpack_it(
    tree: Tree, tmp_path: Path, media_type: str, program: str
) -> None:
    """Contract 5 rows 52 and 53: Debian's tar and unzip take it, links and times too."""
    tree.link("hst/raw/latest", tree.path("hst/raw/o4sp040b0_raw.fits"))
    long_name = "n" * 200 + ".fits"
    tree.file(f"hst/{long_name}", os.urandom(3_000_000))
    tree.set(f"hst/{long_name}", "DataNode", {f"{CORE}mtime": "2001-09-09T01:46:40.000"})
    archive = tmp_path / "archive"
    archive.write_bytes(
        _run(tree.client, package_document([tree.path("hst")], media_type)).content
    )
    command = {
        "tar": ["tar", "-xf", str(archive), "-C", str(tmp_path)],
        "unzip": ["unzip", "-q", str(archive), "-d", str(tmp_path)],
    }[program]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"}
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert (tmp_path / "hst" / "empty").is_dir()
    assert (tmp_path / "hst" / "raw" / "latest").read_bytes() == b"SIMPLE" * 1000
    assert (tmp_path / "hst" / long_name).stat().st_mtime == 1_000_000_000
    assert (tmp_path / "hst" / long_name).stat().st_size == 3_000_000


@pytest.mark.parametrize(("word", "unpack"), [("tar", in_tar), ("zip", in_zip)])
def test_a_browser_gets_an_archive_by_its_address(
    tree: Tree, word: str, unpack: Unpack
) -> None:
    """Contract 1.7: GET /pkg?TARGET=…&FORMAT=zip gives the archive at once."""
    query = {"TARGET": [uri(tree.path("hst")), uri(tree.path("notes"))], "FORMAT": word}
    answer = tree.client.get("/vault/pkg", params=query)
    head = tree.client.head("/vault/pkg", params=query)
    one = tree.client.get("/vault/pkg", params={"target": uri(tree.path("hst"))})

    assert answer.status_code == 200
    assert {"hst/empty", "notes/é [1] b.txt"} <= unpack(answer.content).keys()
    assert head.headers["content-length"] == str(len(answer.content))
    assert head.content == b""
    assert one.headers["content-disposition"] == 'attachment; filename="hst.tar"'


def test_a_form_of_many_targets_makes_a_job(tree: Tree) -> None:
    """Contract 1.7: a form may name more targets than fit into an address."""
    form = {"TARGET": [uri(tree.path("hst")), uri(tree.path("notes"))], "RESPONSEFORMAT": ZIP}
    posted = tree.client.post("/vault/pkg", data=form)

    assert posted.status_code == 303
    assert "notes" in in_zip(tree.client.get(posted.headers["location"]).content)


def test_targets_of_one_name_stay_apart(tree: Tree) -> None:
    """Contract 1.7: names in an archive are unique."""
    tree.folder("notes/raw")
    tree.file("notes/raw/f", b"second")
    tree.file("hst/raw/f", b"first")
    paths = [tree.path("hst/raw"), tree.path("notes/raw")]
    found = in_tar(_run(tree.client, package_document(paths)).content)

    assert found["raw/f"] == b"first"
    assert found["raw (2)/f"] == b"second"


def test_no_name_leads_out_of_the_folder_where_it_is_unpacked(tree: Tree) -> None:
    """Contract 1.7: names are harmless wherever an archive is unpacked."""
    tree.folder("odd")
    for number, name in enumerate(("..\\..\\evil", "C:evil", "..%5C..%5Cevil", "%25", "12:30")):
        path = tree.path(f"odd/{name}").replace("%", "%25").replace("\\", "%5C")
        tree.client.put(f"/vault/files/{path}", content=str(number).encode()).raise_for_status()
    archive = _run(tree.client, package_document([tree.path("odd")], ZIP)).content

    assert in_zip(archive) == {
        "odd": "/",
        "odd/..%5C..%5Cevil": b"0",
        "odd/C%3Aevil": b"1",
        "odd/..%255C..%255Cevil": b"2",
        "odd/%2525": b"3",
        "odd/12:30": b"4",
    }


def test_the_job_of_a_package_is_its_owners(tree: Tree, stranger: httpx.Client) -> None:
    """Contract 7: bob must not read alice's job."""
    posted = tree.client.post("/vault/pkg", content=package_document([tree.path("hst")]))
    run = posted.headers["location"]

    assert stranger.get(run).status_code == 403
    assert stranger.get(run.removesuffix("/run")).status_code == 403


def test_a_credential_for_reading_reads_no_more_by_a_package(
    tree: Tree, shared_space: Space
) -> None:
    """Contract 1.7: an administrator's token for reading is none for other people's files."""
    server = shared_space.server
    chief = add_user(server, f"chief{tree.root[-6:]}", "--admin")
    tokens = [
        server.administer("user", "token", chief.name, "--scope", scope).splitlines()[-1]
        for scope in ("admin", "read")
    ]
    whole, reading = (replace(chief, token=token).bearer for token in tokens)
    with shared_space.client(None) as client:
        document = package_document([tree.path("notes")])
        posted = client.post("/vault/pkg", content=document, headers=whole)
        run = posted.headers["location"]

        assert "notes" in in_tar(client.get(run, headers=whole).content)
        assert in_tar(client.get(run, headers=reading).content) == {}


def test_an_aborted_job_gives_nothing(tree: Tree) -> None:
    """Contract 1.7: a package that was aborted is not made any more."""
    posted = tree.client.post("/vault/pkg", content=package_document([tree.path("hst")]))
    run = posted.headers["location"]
    job = run.removesuffix("/run")

    aborted = tree.client.post(f"{job}/phase", data={"PHASE": "ABORT"})
    assert aborted.status_code == 303
    assert tree.client.get(f"{job}/phase").text == "ABORTED"
    assert tree.client.get(run).status_code == 403
    assert tree.client.delete(job).status_code == 303
    assert tree.client.get(job).status_code == 404


@pytest.mark.parametrize(
    "document",
    [
        package_document(["durand"], "text/html"),
        package_document(["durand"], authority="other!vault"),
        transfer("durand", "pullFromVoSpace", protocols=("httpget",)),
        transfer("durand", "pushToVoSpace", protocols=("httpput",)),
        "<x/>",
    ],
)
def test_what_is_no_package_is_refused(owner: httpx.Client, document: str) -> None:
    """Contract 1.7: /pkg takes transfers of packages, and says what else is wrong."""
    answer = owner.post("/vault/pkg", content=document)

    assert answer.status_code == 400
    assert answer.text.partition(":")[0] in {"InvalidArgument", "InvalidURI"}


@pytest.mark.parametrize(
    ("view", "unpack"), [(f"{CORE}tar", in_tar), (f"{CORE}zip", in_zip)], ids=["tar", "zip"]
)
@pytest.mark.parametrize("door", ["synctrans", "transfers"])
def test_a_container_is_pulled_with_a_view_of_archives(
    tree: Tree, view: str, unpack: Unpack, door: str
) -> None:
    """Compliance row 26: a pull of a container with an archive view gives it."""
    document = transfer(tree.path("hst"), "pullFromVoSpace", protocols=("httpget",), view=view)
    posted = tree.client.post(
        f"/vault/{door}", content=document, params={"PHASE": "RUN"} if door[0] == "t" else {}
    )
    details = posted.headers["location"]
    if door == "transfers":
        job = tree.client.get(details, params={"WAIT": 20})
        while phase_of(job.text) not in {"COMPLETED", "ERROR"}:
            job = tree.client.get(details, params={"WAIT": 20})
        details = f"{details}/results/transferDetails"
    (endpoint,) = endpoints_of(tree.client.get(details).text)

    assert "hst/empty" in unpack(tree.client.get(endpoint).content)


@pytest.mark.parametrize("view", [None, f"{CORE}defaultview", f"{CORE}targz"])
def test_a_container_without_an_archive_view_is_view_not_supported(
    tree: Tree, view: str | None
) -> None:
    """Contract 7: pull of a container without archive view: ViewNotSupported."""
    document = transfer(tree.path("hst"), "pullFromVoSpace", protocols=("httpget",), view=view)
    posted = tree.client.post("/vault/synctrans", content=document)
    details = posted.headers["location"]
    job = details.removesuffix("/results/transferDetails")

    assert endpoints_of(tree.client.get(details).text) == []
    assert tree.client.get(f"{job}/phase").text == "ERROR"
    assert tree.client.get(f"{job}/error").text == "ViewNotSupported"


def test_a_container_says_as_what_it_is_read_and_written(tree: Tree) -> None:
    """Contract 1.3: a container accepts and provides archives, and data nodes do not."""
    shown = tree.client.get(f"/vault/nodes/{tree.path('hst/empty')}").text
    accepts, _, provides = shown.partition("</vos:accepts>")
    file = tree.client.get(f"/vault/nodes/{tree.path('hst/raw/o4sp040b0_raw.fits')}").text

    assert all(f'"{CORE}{name}"' in accepts for name in ("tar", "targz", "zip"))
    assert all(f'"{CORE}{name}"' in provides for name in ("tar", "zip"))
    assert f'"{CORE}tar"' not in file


def test_the_views_are_listed(anonymous: httpx.Client) -> None:
    """Contract 1.4: getViews lists the archives that containers are read and written as."""
    views = anonymous.get("/vault/views").text
    accepts, _, provides = views.partition("</vos:accepts>")

    for name in ("tar", "targz", "zip"):
        assert f'"{CORE}{name}"' in accepts
    for name in ("tar", "zip"):
        assert f'"{CORE}{name}"' in provides
    capabilities = anonymous.get("/vault/capabilities").text
    assert 'standardID="vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0"' in capabilities


def test_an_archive_of_many_files_has_the_length_that_was_said(tree: Tree) -> None:
    """Contract 1.7: the Content-Length is exact, for any names and sizes."""
    tree.folder("many")
    for number in range(40):
        name = "é" * (number * 3) + f"{number}"
        tree.file(f"many/{name}", bytes(number * 37))
    for media_type, unpack in ((TAR, in_tar), (ZIP, in_zip)):
        answer = _run(tree.client, package_document([tree.path("many")], media_type))
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert len(unpack(answer.content)) == 41


def test_a_client_that_leaves_ends_the_work(tree: Tree) -> None:
    """Contract 1.7: an archive that is not fetched to its end ends its job in ERROR."""
    tree.file("hst/large", bytes(48 << 20))
    posted = tree.client.post("/vault/pkg", content=package_document([tree.path("hst")]))
    run = posted.headers["location"]
    job = run.removesuffix("/run")

    with tree.client.stream("GET", run) as answer:
        next(answer.iter_raw(1 << 16))
        assert tree.client.get(f"{job}/phase").text == "EXECUTING"
    ended = tree.client.get(job, params={"WAIT": 30, "PHASE": "EXECUTING"})

    assert phase_of(ended.text) == "ERROR"
    assert tree.client.get(f"{job}/error").text == "TransferFailed"
