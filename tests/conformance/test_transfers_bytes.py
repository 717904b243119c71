"""Bytes that transfers move: addresses handed out, quota, writers at once, other hosts."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
from tests.support.remote_host import RemoteHost
from tests.support.space import Space
from vospace_model.protocols import ProtocolUri

PULL = {"httpget": None}
PUSH = {"httpput": None}
SMALL = 1000


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with serving(tmp_path_factory.mktemp("bytes")) as made:
        made.server.administer(
            "allocation", "add", "small", "--owner", "durand", "--quota", str(SMALL)
        )
        yield made


@pytest.fixture(scope="module")
def shared_host() -> Iterator[RemoteHost]:
    with RemoteHost() as remote:
        yield remote


@pytest.fixture
def host(shared_host: RemoteHost) -> RemoteHost:
    shared_host.files.clear()
    shared_host.received.clear()
    shared_host.requests.clear()
    shared_host.reached.clear()
    shared_host.cut.clear()
    return shared_host


@pytest.fixture
def desk(space: Space) -> Iterator[Desk]:
    with desk_of(space) as made:
        yield made


@pytest.fixture
def small(space: Space) -> Iterator[Desk]:
    """A folder with a quota of 1000 bytes, empty at the start."""
    with desk_of(space, folder="small") as made:
        for name in made.names():
            made.client.delete(f"/vault/nodes/small/{name}").raise_for_status()
        yield made


def push_address(desk: Desk, name: str, length: int | None = None) -> str:
    _, details = desk.negotiate(transfer(desk.at(name), "pushToVoSpace", PUSH, length=length))
    [endpoint] = endpoints_of(details)
    return endpoint


def test_an_address_for_bytes_needs_no_credentials_and_is_good_once(
    desk: Desk, space: Space
) -> None:
    """Contract 7-13, 5 row 43: foreign or no credentials do; a used address is 403."""
    addresses = [push_address(desk, name) for name in ("a", "b")]

    with_other = httpx.put(addresses[0], content=b"a", headers=space.stranger.bearer)
    nonsense = httpx.put(
        addresses[1], content=b"b", headers={"Authorization": "Bearer nonsense"}
    )
    used = httpx.put(addresses[0], content=b"again")
    forged = httpx.put(addresses[0].replace("/data/", "/data/x"), content=b"x")

    assert (with_other.status_code, nonsense.status_code) == (201, 201)
    assert (used.status_code, forged.status_code) == (403, 403)
    assert used.text.split(":")[0] == "PermissionDenied"
    assert (desk.read("a"), desk.read("b")) == (b"a", b"b")


def test_the_phase_tells_how_a_push_stands(desk: Desk) -> None:
    """Compliance rows 33, 35 and 53: EXECUTING until the bytes have come, then COMPLETED."""
    job, details = desk.negotiate(
        transfer(desk.at("f"), "pushToVoSpace", {"httpput": None, "httpsput": None})
    )
    first, _ = endpoints_of(details)

    assert job.text("phase") == "EXECUTING"
    failed = httpx.put(first, content=b"x", headers={"digest": "md5=" + "A" * 22 + "=="})
    assert failed.status_code == 412
    assert job.text("phase") == "EXECUTING"
    assert httpx.put(first, content=b"x").status_code == 201
    assert job.text("phase") == "COMPLETED"
    assert set(job.results()) == {"transferDetails", "dataNode"}


def test_asynchronous_transfers_end_in_the_same_addresses(desk: Desk) -> None:
    """Contract 5 row 31; Compliance rows 30 and 53: POST, RUN, details, bytes."""
    desk.put("f", b"pulled")
    pull = desk.make(transfer(desk.at("f"), "pullFromVoSpace", PULL))
    push = desk.make(transfer(desk.at("g"), "pushToVoSpace", PUSH))

    assert pull.text("phase") == push.text("phase") == "PENDING"
    assert desk.client.get(f"{pull.url}/results/transferDetails").status_code == 404
    for job in (pull, push):
        job.post(PHASE="RUN")
        while job.text("phase") in {"PENDING", "QUEUED"}:
            job.document(WAIT=5, PHASE="QUEUED")
    while "transferDetails" not in push.results():
        push.document()

    [source] = endpoints_of(desk.client.get(pull.results()["transferDetails"]).text)
    [target] = endpoints_of(desk.client.get(push.results()["transferDetails"]).text)
    assert pull.finish() == "COMPLETED"
    assert httpx.get(source).content == b"pulled"
    assert httpx.put(target, content=b"pushed").status_code == 201
    assert push.finish() == "COMPLETED"


def test_only_one_of_two_writers_wins_and_a_reader_sees_whole_contents(desk: Desk) -> None:
    """Contract 7-17: never mixed; busy while written, and then a push is NodeBusy."""
    size = 3 * 2**20
    old = b"o" * size
    desk.put("f", old)
    address = push_address(desk, "f")
    begun, go_on = threading.Event(), threading.Event()

    def body() -> Iterator[bytes]:
        yield b"n" * (size // 2)
        begun.set()
        assert go_on.wait(60)
        yield b"n" * (size - size // 2)

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(httpx.put, address, content=body(), timeout=60)
        assert begun.wait(60)
        try:
            while 'busy="true"' not in desk.node("f"):
                pass
            refused, _ = desk.negotiate(transfer(desk.at("f"), "pushToVoSpace", PUSH))
            during = desk.read("f")
        finally:
            go_on.set()
        assert writing.result().status_code == 201

    assert refused.text("error") == "NodeBusy"
    assert during == old
    assert desk.read("f") == b"n" * size
    assert 'busy="false"' in desk.node("f")


def test_writers_at_the_same_time_leave_one_whole_content(desk: Desk) -> None:
    """Contract 7-17: of several completed PUTs one wins whole."""
    contents = [bytes([65 + number]) * 300_000 for number in range(4)]
    addresses = [push_address(desk, "f") for _ in contents]

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda each: httpx.put(each[0], content=each[1], timeout=60),
                zip(addresses, contents, strict=True),
            )
        )

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert desk.read("f") in contents


def test_an_announced_length_beyond_the_quota_is_refused_before_the_bytes(
    small: Desk,
) -> None:
    """Contract 7-20: 20 bytes announced where 10 are left is QuotaExceeded, with 'quota'."""
    small.put("full", b"x" * 990)
    document = transfer("small/f", "pushToVoSpace", PUSH, length=20)

    job, details = small.negotiate(document)
    direct = small.client.put("/vault/files/small/f", content=b"x" * 20)

    assert endpoints_of(details) == []
    assert job.text("error") == "QuotaExceeded"
    assert (direct.status_code, "quota" in direct.text) == (413, True)


def test_an_unannounced_length_beyond_the_quota_stops_the_upload(small: Desk) -> None:
    """Contract 7-20: an unannounced body is stopped, 413, and the old bytes are kept."""
    small.put("f", b"old")
    address = push_address(small, "f")

    answer = httpx.put(address, content=iter([b"x" * 500] * 4))

    assert (answer.status_code, "quota" in answer.text) == (413, True)
    assert small.read("f") == b"old"
    assert httpx.put(address, content=b"y" * SMALL).status_code == 201


@pytest.mark.parametrize("keep", [False, True], ids=["move", "copy"])
def test_what_comes_from_elsewhere_must_fit(small: Desk, desk: Desk, keep: bool) -> None:
    """Contract 7-20: a move or copy of 20 bytes where 10 are left ends in ERROR."""
    small.put("full", b"x" * 990)
    desk.put("f", b"x" * 20)
    desk.put("g", b"x" * 10)

    refused = desk.run(internal(desk.at("f"), "small/f", keep=keep))
    assert (refused.finish(), refused.text("error")) == ("ERROR", "QuotaExceeded")
    fits = desk.run(internal(desk.at("g"), "small/g", keep=keep))
    assert fits.finish() == "COMPLETED"
    assert small.names() == ["full", "g"]


def test_of_parallel_pushes_exactly_those_that_fit_succeed(small: Desk) -> None:
    """Contract 7-20: three pushes of 400 bytes into 1000: two fit."""
    addresses = [push_address(small, f"f{number}") for number in range(3)]

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda each: httpx.put(each, content=b"x" * 400), addresses))

    assert sorted(answer.status_code for answer in answers) == [201, 201, 413]
    assert len(small.names()) == 2


def test_a_public_share_is_offered_for_what_everybody_may_read(
    desk: Desk, space: Space
) -> None:
    """Contract 1.2, 5 row 44: a share is offered with an address that everybody can use."""
    with desk_of(space, folder="durand") as top:
        top.set("", "ContainerNode", ispublic="true")
    desk.put("f", b"shared")
    share = {ProtocolUri.PUBLIC_SHARE: None}
    document = transfer(desk.at("f"), "pullFromVoSpace", share)

    private, _ = desk.negotiate(document)
    desk.set("", "ContainerNode", ispublic="true")
    desk.set("f", "DataNode", ispublic="true")
    shared, details = desk.negotiate(document)
    [address] = endpoints_of(details)
    method = '<vos:securityMethod uri="ivo://ivoa.net/sso#BasicAA"/></vos:protocol>'
    _, with_method = desk.negotiate(document.replace("</vos:protocol>", method))
    pushed, _ = desk.negotiate(transfer(desk.at("f"), "pushToVoSpace", share))

    assert private.text("error") == pushed.text("error") == "ProtocolNotSupported"
    assert shared.text("phase") == "COMPLETED"
    assert httpx.get(address, follow_redirects=True).content == b"shared"
    assert "/vault/files/" in address
    # Who has it needs nothing else (VOSpace 2.1, 3.5.4).
    assert endpoints_of(with_method) == [address]
    assert "securityMethod" not in with_method


def test_bytes_are_fetched_from_another_host(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 34: pullToVoSpace; VOSpace 2.1 6.4.2 as a job with results."""
    content = bytes(range(256)) * 8000
    host.files["/m31.fits"] = content

    job = desk.run(transfer(desk.at("f"), "pullToVoSpace", {"httpget": host.url("/m31.fits")}))

    assert job.finish() == "COMPLETED"
    assert desk.read("f") == content
    assert job.results() == {"dataNode": uri(desk.at("f"))}
    assert job.progress == 1.0
    document = desk.node("f")
    assert "application/fits" in document
    assert re.search(f'uri="{CORE}MD5"[^>]*>[0-9a-f]{{32}}<', document)


def test_a_name_is_invented_for_what_is_fetched(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 8: pullToVoSpace to .auto names the target."""
    host.files["/f"] = b"fetched"

    job = desk.run(transfer(desk.at(".auto"), "pullToVoSpace", {"httpget": host.url("/f")}))

    assert job.finish() == "COMPLETED"
    [name] = desk.names()
    assert job.results()["target"] == uri(desk.at(name))
    assert desk.read(name) == b"fetched"


def test_each_protocol_is_tried_until_one_succeeds(desk: Desk, host: RemoteHost) -> None:
    """Compliance rows 32 to 34: each once, in order; all failed is TransferFailed."""
    host.files["/f"] = b"at last"
    bad, good = host.url("/none"), host.url("/f")
    document = transfer(desk.at("f"), "pullToVoSpace", {"httpget": bad, "httpget 2": good})

    assert desk.run(document).finish() == "COMPLETED"
    assert desk.read("f") == b"at last"
    assert [path for _, path, _ in host.requests] == ["/none", "/f"]

    failing = transfer(desk.at("f"), "pullToVoSpace", {"httpget": bad, "httpget 2": bad})
    job = desk.run(failing)
    assert (job.finish(), job.text("error")) == ("ERROR", "TransferFailed")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/short", "TransferFailed"),
        ("/status?500", "TransferFailed"),
        ("/loop", "TransferFailed"),
        ("/redirect?http://10.0.0.1/", "InvalidArgument"),
        ("/redirect?file:///etc/passwd", "InvalidArgument"),
    ],
)
def test_a_failed_fetch_leaves_the_node_as_it_was(
    desk: Desk, host: RemoteHost, path: str, error: str
) -> None:
    """Contract 5 row 34: a pullToVoSpace that fails changes nothing."""
    desk.put("f", b"as it was")

    job = desk.run(transfer(desk.at("f"), "pullToVoSpace", {"httpget": host.url(path)}))

    assert (job.finish(), job.text("error")) == ("ERROR", error)
    assert desk.read("f") == b"as it was"
    assert 'busy="false"' in desk.node("f")


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:80/",
        "http://0x7f000002/",
        "http://[64:ff9b::a00:1]/",
        "file:///etc/passwd",
    ],
)
def test_hosts_that_only_the_server_can_reach_are_refused(desk: Desk, url: str) -> None:
    """Contract 5 row 34: pullToVoSpace never reaches private, local or translated hosts."""
    job = desk.run(transfer(desk.at("f"), "pullToVoSpace", {"httpget": url}))

    assert (job.finish(), job.text("error")) == ("ERROR", "InvalidArgument")


def test_what_is_fetched_must_fit_into_the_quota(small: Desk, host: RemoteHost) -> None:
    """Contract 7-20, 5 row 34: announced or not, what does not fit is QuotaExceeded."""
    host.files["/big"] = b"x" * 2000
    for path in ("/big", "/endless"):
        job = small.run(transfer("small/f", "pullToVoSpace", {"httpget": host.url(path)}))
        assert (job.finish(), job.text("error")) == ("ERROR", "QuotaExceeded")

    assert host.cut.wait(20)
    assert small.names() == []
    small.put("g", b"x" * SMALL)


def test_bytes_are_sent_to_another_host(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 35: pushFromVoSpace; VOSpace 2.1 6.4.4 also through a link, and empty."""
    content = b"sent " * 500_000
    desk.put("f", content)
    desk.link("l", "f")

    for name, path in (("f", "/one"), ("l", "/two"), ("f", "/again?/three")):
        job = desk.run(transfer(desk.at(name), "pushFromVoSpace", {"httpput": host.url(path)}))
        assert job.finish() == "COMPLETED"

    assert host.received == dict.fromkeys(("/one", "/two", "/three"), content)


def test_a_push_that_is_not_taken_fails(desk: Desk, space: Space, host: RemoteHost) -> None:
    """Contract 5 row 35: a refusal is TransferFailed; what one may not read is not sent."""
    desk.put("f")
    document = transfer(desk.at("f"), "pushFromVoSpace", {"httpput": host.url("/status?507")})

    job = desk.run(document)
    assert (job.finish(), job.text("error")) == ("ERROR", "TransferFailed")
    host.requests.clear()
    with desk_of(space, user="stranger", folder=desk.folder) as stranger:
        theirs = stranger.run(document)
        assert (theirs.finish(), theirs.text("error")) == ("ERROR", "PermissionDenied")
    assert host.requests == []


def test_the_protocols_that_the_service_speaks_as_a_client_are_listed(desk: Desk) -> None:
    """Compliance row 40: accepts lists what the service speaks as a client."""
    accepts = desk.client.get("/vault/protocols").text.partition("</vos:accepts>")[0]

    for name in ("httpget", "httpput", "httpsget", "httpsput"):
        assert f'uri="{CORE}{name}"' in accepts
