"""Moves and copies of nodes as transfers, links and reserved names among them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.transfer_desk import (
    CORE,
    Desk,
    desk_of,
    endpoints_of,
    internal,
    serving,
    transfer,
    uri,
)
from tests.support.space import Space

PULL = {"httpget": None}
PUSH = {"httpput": None}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with serving(tmp_path_factory.mktemp("nodes")) as made:
        yield made


@pytest.fixture
def desk(space: Space) -> Iterator[Desk]:
    with desk_of(space) as made:
        yield made


def pulled(desk: Desk, name: str) -> bytes | str:
    """The bytes that a pull leads to, or the fault of its job."""
    job, details = desk.negotiate(transfer(desk.at(name), "pullFromVoSpace", PULL))
    found = endpoints_of(details)
    return httpx.get(found[0]).content if found else job.text("error")


def test_bytes_are_pulled_through_links(desk: Desk) -> None:
    """Contract 7-5: a pull of l/f and of a link to a file leads to the file's bytes."""
    desk.mkdir("d")
    desk.put("d/f", b"behind links")
    desk.link("l", "d")
    desk.link("lf", "d/f")

    assert pulled(desk, "l/f") == b"behind links"
    assert pulled(desk, "lf") == b"behind links"


def test_loops_end_and_what_only_looks_like_one_resolves(desk: Desk) -> None:
    """Contract 7-6: loops and 21 links are UnreadableLinkTarget, /l/l through /d/l is not."""
    desk.mkdir("d")
    desk.link("a", "b")
    desk.link("b", "a")
    desk.link("l", "d")
    desk.link("d/l", "d")
    desk.put("d/f", b"found")
    desk.put("end", b"the end")
    desk.link("n0", "end")
    for number in range(1, 21):
        desk.link(f"n{number}", f"n{number - 1}")

    assert pulled(desk, "a") == "UnreadableLinkTarget"
    assert pulled(desk, "a/x") == "UnreadableLinkTarget"
    assert pulled(desk, "l/l/f") == b"found"
    assert pulled(desk, "n19") == b"the end"
    assert pulled(desk, "n20") == "UnreadableLinkTarget"


def test_a_push_to_a_broken_link_makes_its_target(desk: Desk) -> None:
    """Contract 1.4: a broken link as the leaf of a push: the target is created."""
    desk.link("l", "new")

    _, details = desk.negotiate(transfer(desk.at("l"), "pushToVoSpace", PUSH))
    httpx.put(endpoints_of(details)[0], content=b"made").raise_for_status()

    assert desk.read("new") == b"made"


def test_a_link_out_of_the_space_is_never_followed(desk: Desk) -> None:
    """Contract 7-6, 7-7: a transfer of a link to another URL is InvalidArgument."""
    desk.link("ext", "http://127.0.0.1:9/x")

    assert pulled(desk, "ext") == "InvalidArgument"


@pytest.mark.parametrize("keep", [False, True], ids=["move", "copy"])
def test_destinations_that_only_look_impossible(desk: Desk, keep: bool) -> None:
    """Compliance rows 47 and 48; Contract 5 row 36; Contract 7-18: a prefix of a name is no
    ancestor; containers receive what comes."""
    desk.mkdir("a")
    desk.put("a/f")
    desk.mkdir("ab")
    desk.put("g")
    deed = desk.copy if keep else desk.move

    into = deed("a", "ab/x")
    named = deed("g", "ab")

    assert into.results() == {"destination": uri(desk.at("ab/x"))}
    assert named.results() == {"destination": uri(desk.at("ab/g"))}
    assert desk.names("ab") == ["g", "x"]
    assert desk.read("ab/x/f") == b"bytes"
    assert desk.names() == (["a", "ab", "g"] if keep else ["ab"])


@pytest.mark.parametrize("keep", [False, True], ids=["move", "copy"])
@pytest.mark.parametrize(
    ("source", "destination", "error"),
    [
        ("d", "d/e", "InvalidArgument"),
        ("d", "d", "InvalidArgument"),
        ("f", "f", "DuplicateNode"),
        ("f", "g", "DuplicateNode"),
        ("f", "full", "DuplicateNode"),
        ("d", "g", "DuplicateNode"),
        ("f", "no/such", "ContainerNotFound"),
        ("none", "x", "NodeNotFound"),
    ],
)
def test_destinations_that_are_impossible(
    desk: Desk, keep: bool, source: str, destination: str, error: str
) -> None:
    """Contract 7-18: impossible moves and copies end in their fault and change nothing."""
    desk.put("f", b"f")
    desk.put("g", b"g")
    desk.mkdir("d")
    desk.mkdir("full")
    desk.put("full/f", b"full")

    job = (desk.copy if keep else desk.move)(source, destination)

    assert (job.text("phase"), job.text("error")) == ("ERROR", error)
    if error == "InvalidArgument":
        deed = "copy" if keep else "move"
        assert f"Cannot {deed} container node into its descendants" in job.document()
    assert desk.names() == ["d", "f", "full", "g"]
    assert [desk.read(name) for name in ("f", "g", "full/f")] == [b"f", b"g", b"full"]


def test_a_container_is_copied_with_all_that_is_in_it(desk: Desk) -> None:
    """Contract 5 row 37; Compliance rows 49 and 50: a deep copy, each node of the type that it
    had."""
    desk.mkdir("t")
    desk.mkdir("t/d", description="a folder")
    desk.put("t/d/f", b"shared bytes")
    desk.link("t/l", "t/d/f")

    job = desk.copy("t", "u")

    assert job.text("phase") == "COMPLETED"
    assert desk.names("t") == desk.names("u") == ["d", "l"]
    assert desk.read("u/d/f") == b"shared bytes"
    assert 'xsi:type="vos:ContainerNode"' in desk.node("u/d")
    assert 'xsi:type="vos:LinkNode"' in desk.node("u/l")
    assert "a folder" in desk.node("u/d")
    assert f"<vos:target>{uri(desk.at('t/d/f'))}</vos:target>" in desk.node("u/l")
    desk.put("u/d/f", b"changed")
    assert desk.read("t/d/f") == b"shared bytes"


def test_a_copy_shows_its_creator_and_its_progress(desk: Desk, space: Space) -> None:
    """Contract 1.6, 5 row 37: the copy has a new creator; the job says how far it is."""
    desk.mkdir("t", ispublic="true")
    desk.put("t/f", b"x")
    desk.set("t/f", "DataNode", ispublic="true")
    desk.set("", "ContainerNode", ispublic="true")
    with desk_of(space, user="stranger", folder="stranger") as stranger:
        space.server.administer(
            "allocation", "add", "stranger", "--owner", "stranger", "--quota", "1MiB"
        )
        desk.client.post(
            "/vault/nodes/durand",
            content='<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="vos:ContainerNode"'
            f' uri="{uri("durand")}"><vos:properties><vos:property uri="{CORE}ispublic">true'
            "</vos:property></vos:properties></vos:node>",
        ).raise_for_status()

        job = stranger.run(internal(desk.at("t"), "stranger/t", keep=True))

        assert job.finish() == "COMPLETED"
        assert job.progress == 1.0
        assert f'uri="{CORE}creator" readOnly="true">stranger<' in stranger.node("t")
        assert stranger.read("t/f") == b"x"


def test_what_one_may_not_read_is_not_copied(desk: Desk, space: Space) -> None:
    """Contract 1.6: read permission is needed on everything copied, or nothing is."""
    desk.mkdir("t")
    desk.put("t/f")
    with desk_of(space, user="stranger", folder=desk.folder) as stranger:
        job = stranger.copy("t", "u")
        assert (job.text("phase"), job.text("error")) == ("ERROR", "PermissionDenied")

    assert desk.names() == ["t"]


@pytest.mark.parametrize("keep", [False, True], ids=["move", "copy"])
def test_a_name_is_invented_for_auto(desk: Desk, keep: bool) -> None:
    """Compliance row 41: the name for .auto is the result destination."""
    desk.put("f", b"named")
    desk.mkdir("d")

    job = (desk.copy if keep else desk.move)("f", "d/.auto")

    [name] = desk.names("d")
    assert job.results() == {"destination": uri(desk.at(f"d/{name}"))}
    assert name not in {".auto", "f"}
    assert desk.read(f"d/{name}") == b"named"


def test_a_push_to_auto_tells_the_name(desk: Desk) -> None:
    """Contract 5 row 8: the name for .auto of a push is the result target."""
    job, details = desk.negotiate(transfer(desk.at(".auto"), "pushToVoSpace", PUSH))
    again = desk.client.get(f"{job.url}/results/transferDetails").text

    httpx.put(endpoints_of(again)[0], content=b"pushed").raise_for_status()

    [name] = desk.names()
    assert len(endpoints_of(details)) == 1
    assert job.results()["target"] == uri(desk.at(name))
    assert job.results()["dataNode"] == uri(desk.at(name))
    assert desk.read(name) == b"pushed"


def test_what_goes_to_null_is_gone(desk: Desk) -> None:
    """Compliance row 42: .null takes bytes, and moved nodes, for good."""
    desk.mkdir("t")
    desk.put("t/f")
    desk.put("kept")
    pushed, details = desk.negotiate(transfer(desk.at(".null"), "pushToVoSpace", PUSH))

    answer = httpx.put(endpoints_of(details)[0], content=b"into the void")
    moved = desk.move("t", ".null")
    copied = desk.copy("kept", ".null")

    assert answer.status_code == 201
    assert answer.headers["digest"].startswith("md5=")
    assert {job.text("phase") for job in (pushed, moved, copied)} == {"COMPLETED"}
    assert moved.results() == {}
    assert desk.names() == ["kept"]


def test_the_sink_is_for_those_who_may_write_there(desk: Desk, space: Space) -> None:
    """Compliance row 42: .null needs the permissions that any other name needs."""
    desk.put("f")
    with desk_of(space, user="stranger", folder=desk.folder) as stranger:
        pushed, _ = stranger.negotiate(transfer(desk.at(".null"), "pushToVoSpace", PUSH))
        moved = stranger.move("f", ".null")
        assert pushed.text("error") == moved.text("error") == "PermissionDenied"

    assert desk.read("f") == b"bytes"


def test_a_move_out_of_a_locked_container_is_denied(desk: Desk) -> None:
    """Contract 7-10, 7-18: a move out of a locked container is an error; a copy is not."""
    desk.mkdir("d")
    desk.put("d/f")
    path = desk.at("d")
    desk.client.post(
        f"/vault/nodes/{path}",
        content='<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="vos:ContainerNode" '
        f'uri="{uri(path)}"><vos:properties>'
        '<vos:property uri="ivo://cadc.nrc.ca/vospace/core#islocked">true</vos:property>'
        "</vos:properties></vos:node>",
    ).raise_for_status()

    assert desk.move("d/f", "g").text("error") == "PermissionDenied"
    assert desk.copy("d/f", "g").text("phase") == "COMPLETED"


def test_a_move_that_is_asked_for_synchronously_has_details_too(desk: Desk) -> None:
    """VOSpace 2.1 6.4: synctrans runs a job at once and leads to its details."""
    desk.put("f")

    moved, details = desk.negotiate(internal(desk.at("f"), desk.at("g"), keep=False))
    copied, refused = desk.negotiate(internal(desk.at("g"), desk.at("h"), keep=True))

    assert (moved.text("phase"), moved.text("error")) == ("COMPLETED", "")
    # A copy takes its time, so it is for /transfers alone.
    assert copied.text("error") == "OperationNotSupported"
    assert "<vos:keepBytes>false</vos:keepBytes>" in details
    assert "<vos:keepBytes>true</vos:keepBytes>" in refused
    assert desk.names() == ["g"]
