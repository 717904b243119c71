"""createNode, getNode, setNode and deleteNode: what each clause of contract 1.1-1.5 says."""

import re
import secrets
import threading
from collections.abc import Iterator
from typing import Self

import httpx
import pytest

from tests.support.space import Space
from tests.vospace_server.http.documents import (
    CORE,
    children_of,
    container,
    data,
    endpoints_of,
    move,
    node,
    property_of,
    transfer,
    uri,
)
from tests.vospace_server.http.test_upload_wire import eventually
from vospace_model.xml.nodes import read_node

LOCKED = "ivo://cadc.nrc.ca/vospace/core#islocked"
INHERIT = "ivo://cadc.nrc.ca/vospace/core#inheritPermissions"
GROUP = "ivo://localhost/gms?HST-RO"
TYPES = (
    "ContainerNode",
    "DataNode",
    "UnstructuredDataNode",
    "StructuredDataNode",
)


def assert_fault(response: httpx.Response, status: int, name: str) -> None:
    assert (response.status_code, response.text.split(":")[0]) == (status, name), response.text
    assert response.headers["content-type"] == "text/plain"


def make(client: httpx.Client, path: str, document: str) -> httpx.Response:
    return client.put(f"/vault/nodes/{path}", content=document)


def post(client: httpx.Client, path: str, document: str) -> httpx.Response:
    return client.post(f"/vault/nodes/{path}", content=document)


def named(path: str, kind: str, properties: dict[str, str]) -> str:
    return node(path, kind, properties=properties)


@pytest.fixture
def passable(owner: httpx.Client) -> Iterator[None]:
    """Everybody may pass through /durand for the time of a test."""
    post(owner, "durand", container("durand", ispublic="true")).raise_for_status()
    yield
    post(owner, "durand", container("durand", ispublic="false")).raise_for_status()


# ------------------------------------------------------------------ identifiers


def test_the_root_is_a_container_whose_path_may_end_in_a_slash(anonymous: httpx.Client) -> None:
    """Compliance rows 1 and 5; Contract 1.1: /nodes and /nodes/ are the root."""
    shown = [anonymous.get(f"/vault/nodes{end}").text for end in ("", "/")]

    for text in shown:
        assert 'uri="vos://localhost~vault/"' in text or 'uri="vos://localhost~vault"' in text
        assert 'xsi:type="vos:ContainerNode"' in text
    # Other tests store files between the two answers: only what the root holds may differ.
    assert len({re.sub(r'(core#length"[^>]*>)\d+<', r"\1<", text) for text in shown}) == 1


@pytest.mark.parametrize("separator", ["~", "!"])
def test_both_separators_are_read_everywhere_and_one_is_written(
    owner: httpx.Client, folder: str, separator: str
) -> None:
    """Compliance rows 2, 3 and 4; Contract 7-2: in documents, queries and targets."""
    authority = f"localhost{separator}vault"
    path = f"{folder}/x"
    document = node(path, "DataNode", authority=authority)

    made = make(owner, path, document)
    changed = post(owner, path, document)
    listed = owner.get(f"/vault/nodes/{folder}", params={"uri": uri(path, authority)})
    target = uri(path, authority)
    linked = make(
        owner,
        f"{folder}/l",
        node(f"{folder}/l", "LinkNode", inner=f"<vos:target>{target}</vos:target>"),
    )
    pulled = owner.get(
        "/vault/synctrans",
        params={
            "TARGET": target,
            "DIRECTION": "pullFromVoSpace",
            "PROTOCOL": f"{CORE}httpget",
            "REQUEST": "redirect",
        },
    )

    assert (made.status_code, changed.status_code, pulled.status_code) == (201, 200, 303)
    for answer in (made, changed, listed):
        assert f'uri="{uri(path)}"' in answer.text
    # A target is kept as it was written.
    assert f"<vos:target>{target}</vos:target>" in linked.text


def test_the_authority_of_a_uri_has_no_case(owner: httpx.Client, folder: str) -> None:
    """IVOA Identifiers 2.0 2.1; Contract 1.1: identifiers of services are compared so."""
    path, authority = f"{folder}/x", "LocalHost!Vault"
    target = uri(path, authority)

    made = make(owner, path, node(path, "DataNode", authority=authority))
    listed = owner.get(f"/vault/nodes/{folder}", params={"uri": target})
    linked = make(
        owner,
        f"{folder}/l",
        node(f"{folder}/l", "LinkNode", inner=f"<vos:target>{target}</vos:target>"),
    )
    owner.put(f"/vault/files/{path}", content=b"x").raise_for_status()
    followed = owner.get(f"/vault/files/{folder}/l", follow_redirects=True)

    assert (made.status_code, listed.status_code, linked.status_code) == (201, 200, 201)
    assert f'uri="{uri(path)}"' in made.text
    assert followed.content == b"x"
    # Names have one.
    assert make(owner, f"{folder}/X", data(f"{folder}/X")).status_code == 201


# ------------------------------------------------------------------ createNode


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_node_is_kept_as_it_is(
    owner: httpx.Client, folder: str, kind: str
) -> None:
    """Compliance rows 7, 8, 11 and 49; Contract 5 rows 1 and 4: created, shown, listed,
    moved."""
    path = f"{folder}/x"

    made = make(owner, path, node(path, kind))

    assert made.status_code == 201
    for answer in (
        made,
        owner.get(f"/vault/nodes/{path}"),
        owner.get(f"/vault/nodes/{folder}"),
    ):
        assert f'uri="{uri(path)}" xsi:type="vos:{kind}"' in answer.text.replace(
            ' version="2.1"', ""
        )
    shown = owner.get(f"/vault/nodes/{path}").text
    if kind != "ContainerNode":
        assert "<vos:accepts>" in shown
        owner.put(f"/vault/files/{path}", content=b"x").raise_for_status()
        assert "<vos:provides>" in owner.get(f"/vault/nodes/{path}").text
    assert _moved(owner, path, f"{folder}/y")[0] == "COMPLETED"
    assert f'xsi:type="vos:{kind}"' in owner.get(f"/vault/nodes/{folder}/y").text


def test_what_a_document_says_of_read_only_properties_of_a_new_node_is_ignored(
    owner: httpx.Client, folder: str
) -> None:
    """Contract 1.4: clients create from whole documents; only administrators set creator."""
    path = f"{folder}/x"

    made = make(owner, path, data(path, length="77", creator="member", date="1999", title="t"))

    assert made.status_code == 201
    assert property_of(made.text, "length") == "0"
    assert property_of(made.text, "creator") == "durand"
    assert property_of(made.text, "title") == "t"


def test_permissions_are_inherited_where_the_container_says_so(
    owner: httpx.Client, folder: str
) -> None:
    """Contract 5 row 72: what is not stated is copied, else private."""
    top = f"{folder}/top"
    make(
        owner,
        top,
        named(
            top,
            "ContainerNode",
            {f"{CORE}ispublic": "true", f"{CORE}groupread": GROUP, INHERIT: "true"},
        ),
    ).raise_for_status()

    inherited = make(owner, f"{top}/c", container(f"{top}/c")).text
    stated = make(owner, f"{top}/f", data(f"{top}/f", ispublic="false")).text
    plain = make(owner, f"{folder}/f", data(f"{folder}/f")).text

    assert property_of(inherited, "ispublic") == "true"
    assert property_of(inherited, "groupread") == GROUP
    assert f'uri="{INHERIT}">true<' in inherited
    assert property_of(stated, "ispublic") == "false"
    assert property_of(stated, "groupread") == GROUP
    assert property_of(plain, "ispublic") == "false"
    assert property_of(plain, "groupread") is None


def test_faults_of_creating_come_in_the_order_that_gives_nothing_away(
    owner: httpx.Client, stranger: httpx.Client, passable: None, folder: str
) -> None:
    """Compliance rows 58 and 60; Contract 7-4: who can't read the ancestors learns nothing."""
    private = f"{folder}/private"
    make(owner, private, container(private)).raise_for_status()
    make(owner, f"{private}/x", data(f"{private}/x")).raise_for_status()
    post(owner, folder, container(folder, ispublic="true")).raise_for_status()

    for path in (f"{private}/x", f"{private}/new", f"{private}/no/such"):
        assert_fault(make(stranger, path, data(path)), 403, "PermissionDenied")
    assert_fault(make(stranger, private, container(private)), 409, "DuplicateNode")
    assert_fault(make(stranger, f"{folder}/y", data(f"{folder}/y")), 403, "PermissionDenied")


# ------------------------------------------------------------------ setNode


def test_a_whole_document_posted_back_changes_what_differs_and_nothing_else(
    owner: httpx.Client, folder: str
) -> None:
    """Contract 5 rows 13 and 16 and 7-8: read-only values that are unchanged are no refusal."""
    path = f"{folder}/x"
    make(owner, path, data(path, title="old", subject="s")).raise_for_status()
    owner.put(f"/vault/files/{path}", content=b"12345").raise_for_status()
    whole = owner.get(f"/vault/nodes/{path}").text

    unchanged = owner.post(f"/vault/nodes/{path}", content=whole)
    changed = owner.post(f"/vault/nodes/{path}", content=whole.replace(">old<", ">new<"))
    wrong = owner.post(f"/vault/nodes/{path}", content=whole.replace(">5<", ">6<"))

    assert unchanged.status_code == 200
    assert property_of(changed.text, "title") == "new"
    assert property_of(changed.text, "subject") == "s"
    assert_fault(wrong, 403, "PermissionDenied")
    assert owner.get(f"/vault/files/{path}", follow_redirects=True).content == b"12345"


@pytest.mark.parametrize(
    "name", ["urn:a:b", "custom:anything", "http://example.org/p?q=1", "word", "ivo://x/y#z"]
)
def test_any_uri_and_even_a_bare_word_names_a_property(
    owner: httpx.Client, anonymous: httpx.Client, folder: str, name: str
) -> None:
    """Compliance rows 13 and 17; Contract 5 rows 14 and 15: kept byte for byte."""
    path = f"{folder}/x"
    value = " a <b> &amp; \n\t 'é' "

    made = make(owner, path, named(path, "DataNode", {name: value}))

    made.raise_for_status()
    escaped = re.escape(name.replace("&", "&amp;"))
    shown = owner.get(f"/vault/nodes/{path}").text
    [kept] = re.findall(rf'<vos:property uri="{escaped}">([^<]*)<', shown)
    assert kept == " a &lt;b&gt; &amp;amp; &#10;&#9; 'é' "


def test_a_node_has_no_more_properties_than_a_document_can_show(
    owner: httpx.Client, folder: str
) -> None:
    """Contract 1.1: properties are added by one request after the other up to a bound."""
    path = f"{folder}/x"
    make(owner, path, data(path)).raise_for_status()

    def added(first: int) -> httpx.Response:
        some = {f"custom:p{first + number}": "v" for number in range(300)}
        return post(owner, path, node(path, "DataNode", properties=some))

    answers = [added(first) for first in (0, 300, 600)]

    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert "900 properties at most" in answers[-1].text
    shown = owner.get(f"/vault/nodes/{path}").content
    assert len(read_node(shown, max_bytes=len(shown)).properties) < 1000
    assert post(owner, path, data(path, title="t")).status_code == 200


@pytest.mark.parametrize("separator", [" ", ",", ", ", "  "])
def test_lists_of_groups_may_be_separated_by_commas_or_spaces(
    owner: httpx.Client, folder: str, separator: str
) -> None:
    """Contract 5 row 71: the standard's commas, the clients' spaces; spaces are written."""
    path = f"{folder}/x"
    groups = (GROUP, "ivo://example.org/gms?other")

    made = make(owner, path, data(path, groupread=separator.join(groups)))

    assert property_of(made.text, "groupread") == " ".join(groups)
    broken = post(owner, path, data(path, groupread="no-group"))
    assert_fault(broken, 400, "InvalidArgument")


def test_a_locked_node_is_changed_by_unlocking_only(owner: httpx.Client, folder: str) -> None:
    """Contract 5 row 75 and 7-10: unlocked by a post; no child, no deletion, no move before."""
    path = f"{folder}/c"
    make(owner, path, named(path, "ContainerNode", {LOCKED: "true"})).raise_for_status()

    assert_fault(make(owner, f"{path}/x", data(f"{path}/x")), 403, "PermissionDenied")
    assert_fault(owner.delete(f"/vault/nodes/{path}"), 403, "PermissionDenied")
    assert _moved(owner, path, f"{folder}/away") == ("ERROR", "PermissionDenied")
    unlocking = node(path, "ContainerNode").replace(
        "<vos:properties>",
        f'<vos:properties><vos:property uri="{LOCKED}" xsi:nil="true"/>',
    )
    assert post(owner, path, unlocking).status_code == 200
    assert make(owner, f"{path}/x", data(f"{path}/x")).status_code == 201


def test_an_immutable_node_stays_as_it_is(owner: httpx.Client, folder: str) -> None:
    """Contract 5 row 10: no bytes, no children, no deletion, no move."""
    frozen, file = f"{folder}/c", f"{folder}/c/f"
    make(owner, frozen, container(frozen)).raise_for_status()
    owner.put(f"/vault/files/{file}", content=b"kept").raise_for_status()
    for path, document in (
        (file, data(file, immutable="true")),
        (frozen, container(frozen, immutable="true")),
    ):
        answer = post(owner, path, document)
        assert property_of(answer.text, "immutable") == "true"

    for answer in (
        make(owner, f"{frozen}/x", data(f"{frozen}/x")),
        owner.put(f"/vault/files/{frozen}/x", content=b"new"),
        owner.put(f"/vault/files/{file}", content=b"other"),
        owner.delete(f"/vault/nodes/{file}"),
        owner.delete(f"/vault/nodes/{frozen}"),
        owner.post("/api/v1/move", json={"source": f"/{file}", "destination": f"/{folder}/g"}),
    ):
        assert answer.status_code == 403
    for path in (file, frozen):
        assert _moved(owner, path, f"{folder}/away") == ("ERROR", "PermissionDenied")
    assert owner.get(f"/vault/files/{file}", follow_redirects=True).content == b"kept"
    post(owner, frozen, container(frozen, immutable="false")).raise_for_status()
    assert make(owner, f"{frozen}/x", data(f"{frozen}/x")).status_code == 201


def _moved(client: httpx.Client, source: str, destination: str) -> tuple[str, str]:
    """The phase and the error of a move."""
    job = client.post("/vault/transfers", content=move(source, destination))
    location = job.headers["location"]
    client.post(f"{location}/phase", data={"PHASE": "RUN"})
    phase = "PENDING"
    while phase in {"PENDING", "QUEUED", "EXECUTING"}:
        # Returns as soon as the job is in another phase.
        client.get(f"{location}?WAIT=20&PHASE={phase}").raise_for_status()
        phase = client.get(f"{location}/phase").text
    return (
        client.get(f"{location}/phase").text,
        client.get(f"{location}/error").text.partition(":")[0].strip(),
    )


# ------------------------------------------------------------------ getNode


def test_what_the_caller_may_do_is_told_of_each_entry(
    owner: httpx.Client, member: httpx.Client, passable: None, folder: str
) -> None:
    """Contract 5 rows 22 and 23: readable and writable with an explicit detail=max only."""
    post(owner, folder, container(folder, groupread=GROUP)).raise_for_status()
    make(owner, f"{folder}/r", data(f"{folder}/r", groupread=GROUP))
    make(owner, f"{folder}/w", data(f"{folder}/w", groupwrite=GROUP))
    make(owner, f"{folder}/x", data(f"{folder}/x"))

    text = member.get(f"/vault/nodes/{folder}?detail=max").text

    def told(name: str) -> list[str]:
        return re.findall(rf'vospace/core#{name}"[^>]*>(\w+)<', text)

    # The folder itself, then r, w and x.
    assert told("readable") == ["true", "true", "true", "false"]
    assert told("writable") == ["false", "false", "true", "false"]
    assert "core#readable" not in member.get(f"/vault/nodes/{folder}").text


def test_minimal_documents_still_list_the_children(owner: httpx.Client, folder: str) -> None:
    """Compliance row 45; Contract 1.4: uri and type of direct children, nothing of deeper
    ones."""
    make(owner, f"{folder}/c", container(f"{folder}/c", title="t"))
    make(owner, f"{folder}/c/deep", data(f"{folder}/c/deep"))

    text = owner.get(f"/vault/nodes/{folder}?detail=min").text

    assert children_of(text) == ["c"]
    assert "<vos:property " not in text
    assert "deep" not in text


def test_a_listing_is_cut_from_one_order(owner: httpx.Client, folder: str) -> None:
    """Compliance row 46; Contract 5 rows 25, 26 and 27 and 7-1: pages join without gap or
    overlap."""
    names = sorted(f"n{secrets.token_hex(3)}" for _ in range(11))
    for name in names:
        make(owner, f"{folder}/{name}", data(f"{folder}/{name}")).raise_for_status()

    for order in ("asc", "desc"):
        seen: list[str] = []
        while len(seen) < len(names):
            parameters = {"limit": "4", "order": order}
            if seen:
                parameters["uri"] = uri(f"{folder}/{seen[-1]}", "localhost!vault")
            page = children_of(owner.get(f"/vault/nodes/{folder}", params=parameters).text)
            seen = seen[:-1] + page
        assert seen == (names if order == "asc" else names[::-1])


class SlowUpload:
    """An upload by durand that stops after its first bytes until it may go on."""

    def __init__(self, space: Space, path: str) -> None:
        self._space, self._path = space, path
        self._begun, self._go_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._upload)
        self.answers: list[httpx.Response] = []

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._begun.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        self._thread.join(30)

    def _body(self) -> Iterator[bytes]:
        yield b"n" * 100_000
        self._begun.set()
        self._go_on.wait(30)
        yield b"ew"

    def _upload(self) -> None:
        with self._space.client(self._space.owner) as writer:
            answer = writer.put(f"/vault/files/{self._path}", content=self._body())
            self.answers.append(answer)


def test_a_node_is_busy_while_it_is_written(
    shared_space: Space, owner: httpx.Client, folder: str
) -> None:
    """Contract 5 rows 9 and 62 and 7-17: busy="true"; others see old bytes or new ones."""
    path = f"{folder}/x"

    def content() -> bytes:
        return owner.get(f"/vault/files/{path}", follow_redirects=True).content

    owner.put(f"/vault/files/{path}", content=b"old").raise_for_status()
    with SlowUpload(shared_space, path) as upload:
        assert eventually(lambda: 'busy="true"' in owner.get(f"/vault/nodes/{path}").text)
        before = content()
        second = owner.put(f"/vault/files/{path}", content=b"other")
        between = content()

    assert (before, second.status_code, between) == (b"old", 200, b"other")
    # Whoever ends last wins, whole.
    assert upload.answers[0].status_code == 200
    assert content() == b"n" * 100_000 + b"ew"
    assert 'busy="false"' in owner.get(f"/vault/nodes/{path}").text


# ------------------------------------------------------------------ deleteNode


def test_deleting_needs_the_container_and_not_the_node(
    owner: httpx.Client, member: httpx.Client, passable: None, folder: str
) -> None:
    """Contract 7-19: write on the parent is what counts, for deleting and for moving."""
    theirs, mine = f"{folder}/theirs", f"{folder}/mine"
    post(owner, folder, container(folder, groupread=GROUP)).raise_for_status()
    make(owner, theirs, container(theirs, groupread=GROUP)).raise_for_status()
    make(owner, f"{theirs}/f", data(f"{theirs}/f", groupwrite=GROUP)).raise_for_status()
    make(owner, mine, container(mine, groupwrite=GROUP)).raise_for_status()
    make(owner, f"{mine}/f", data(f"{mine}/f")).raise_for_status()
    make(owner, f"{mine}/g", data(f"{mine}/g")).raise_for_status()

    assert_fault(member.delete(f"/vault/nodes/{theirs}/f"), 403, "PermissionDenied")
    assert _moved(member, f"{theirs}/f", f"{mine}/h") == ("ERROR", "PermissionDenied")
    assert member.delete(f"/vault/nodes/{mine}/f").status_code == 200
    assert _moved(member, f"{mine}/g", f"{mine}/h")[0] == "COMPLETED"


def test_success_and_failure_have_the_statuses_of_the_standard(
    owner: httpx.Client, folder: str
) -> None:
    """Compliance rows 52, 58, 59 and 61; Contract 7-3: 201, 200, 200, 200 and the faults."""
    path = f"{folder}/x"
    statuses = [
        make(owner, path, data(path)).status_code,
        owner.get(f"/vault/nodes/{path}").status_code,
        post(owner, path, data(path, title="t")).status_code,
    ]
    deleted = owner.delete(f"/vault/nodes/{path}")

    assert [*statuses, deleted.status_code] == [201, 200, 200, 200]
    assert deleted.content == b""
    for answer, name in (
        (owner.get(f"/vault/nodes/{path}"), "NodeNotFound"),
        (post(owner, path, data(path)), "NodeNotFound"),
        (owner.delete(f"/vault/nodes/{path}"), "NodeNotFound"),
        (make(owner, f"{path}/y", data(f"{path}/y")), "ContainerNotFound"),
        (owner.delete(f"/vault/nodes/{path}/y"), "ContainerNotFound"),
    ):
        assert_fault(answer, 404, name)
    assert_fault(owner.delete("/vault/nodes"), 403, "PermissionDenied")


@pytest.mark.parametrize("part", ["", "/", "//"])
def test_an_address_is_one_node_however_it_ends(
    owner: httpx.Client, folder: str, part: str
) -> None:
    """Contract 7-22: a slash at the end does not matter, an empty name is refused."""
    answer = owner.get(f"/vault/nodes/{folder}{part}")

    if part == "//":
        assert_fault(answer, 400, "InvalidURI")
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("%23", "#"),
        ("%5B1%5D", "[1]"),
        ("(x)", "(x)"),
        ("%C3%A9", "é"),
        ("a%2525", "a%25"),
        ("%3F", "?"),
        ("...", "..."),
    ],
)
def test_names_are_decoded_once_and_listed_so_that_they_parse_back(
    owner: httpx.Client, folder: str, segment: str, name: str
) -> None:
    """Compliance row 14; Contract 7-22: each name goes in by address and out by document."""
    owner.put(f"/vault/files/{folder}/{segment}", content=b"x").raise_for_status()

    listed = owner.get(f"/vault/nodes/{folder}", params={"Accept": "application/json"}).json()

    [found] = [each["@uri"] for each in listed["vos:node"]["vos:nodes"]["$"]]
    start = owner.get(f"/vault/nodes/{folder}", params={"uri": found, "limit": "1"})
    assert start.status_code == 200
    entries = owner.get(f"/api/v1/nodes/{folder}/{segment}").json()
    assert entries["name"] == name


@pytest.mark.parametrize("segment", ["%2E%2E", "%2e", "a%2Fb", "%00", "%0A", "x" * 256])
def test_names_that_no_node_can_have_are_refused(
    shared_space: Space, folder: str, segment: str
) -> None:
    """Compliance row 56; Contract 7-22: %2F is no new level, dots are no way up."""
    url = httpx.URL(shared_space.server.root_url).copy_with(
        raw_path=f"/vault/nodes/{folder}/{segment}".encode()
    )

    answer = httpx.get(url, headers=shared_space.owner.bearer)

    assert_fault(answer, 400, "InvalidURI")


def test_a_push_to_a_node_replaces_its_bytes_and_keeps_its_type(
    owner: httpx.Client, folder: str
) -> None:
    """Compliance row 51; Contract 1.6: by the endpoint that negotiation has given."""
    path = f"{folder}/x"
    make(owner, path, node(path, "StructuredDataNode")).raise_for_status()
    for content in (b"one", b"another"):
        document = transfer(path, "pushToVoSpace", protocols=("httpput",))
        details = owner.post("/vault/synctrans", content=document, follow_redirects=True)
        owner.put(endpoints_of(details.text)[0], content=content).raise_for_status()

    assert owner.get(f"/vault/files/{path}", follow_redirects=True).content == b"another"
    assert 'xsi:type="vos:StructuredDataNode"' in owner.get(f"/vault/nodes/{path}").text
