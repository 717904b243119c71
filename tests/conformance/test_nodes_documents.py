"""Node documents on the wire: XML and JSON, protocols of a node, and what is refused."""

import json
import re
import secrets

import httpx
import pytest

from tests.vospace_server.http.documents import CORE, container, data, link, node, uri

JSON = "application/json"


def assert_fault(response: httpx.Response, status: int, name: str) -> None:
    assert (response.status_code, response.text.split(":")[0]) == (status, name), response.text
    assert response.headers["content-type"] == "text/plain"
    assert len(response.text.splitlines()) == 1


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> str:
    """A folder with a file `f`, a link `l` to it, and a folder `d`."""
    owner.put(f"/vault/files/{folder}/f", content=b"12345").raise_for_status()
    for path, document in (
        (f"{folder}/l", link(f"{folder}/l", uri(f"{folder}/f"))),
        (f"{folder}/d", container(f"{folder}/d")),
    ):
        owner.put(f"/vault/nodes/{path}", content=document).raise_for_status()
    return folder


# ------------------------------------------------------------------ JSON


@pytest.mark.parametrize(
    ("parameters", "accept", "is_json"),
    [
        ({}, "*/*", False),
        ({}, "", False),
        ({}, JSON, True),
        ({}, "application/json;q=0.9, */*;q=0.8", True),
        ({}, "text/xml, application/json;q=0.5", False),
        ({}, "application/xml;q=0.5, application/json", True),
        ({}, "text/xml, application/json", False),
        ({}, "application/json;q=0", False),
        ({}, "application/json;q=x", False),
        ({"Accept": JSON}, "text/xml", True),
        ({"ACCEPT": JSON}, "*/*", True),
        ({"Accept": "text/xml"}, JSON, False),
    ],
)
def test_json_is_for_whoever_asks_for_it(
    owner: httpx.Client, tree: str, parameters: dict[str, str], accept: str, is_json: bool
) -> None:
    """Contract 5 row 24: by the parameter Accept, or by the header; else XML."""
    for path in (tree, f"{tree}/f", f"{tree}/l"):
        answer = owner.get(
            f"/vault/nodes/{path}", params=parameters, headers={"accept": accept}
        )

        assert answer.status_code == 200
        assert answer.headers["content-type"] == (JSON if is_json else "text/xml")
        assert answer.headers["vary"] == "accept"


def test_another_form_is_refused(owner: httpx.Client, tree: str) -> None:
    """Contract 1.3: what the parameter Accept may say."""
    assert_fault(owner.get(f"/vault/nodes/{tree}?Accept=text/html"), 400, "InvalidArgument")


@pytest.mark.parametrize("detail", ["min", "max", "properties"])
@pytest.mark.parametrize("leaf", ["", "/f", "/l", "/d"])
def test_json_is_the_same_tree_as_xml(
    owner: httpx.Client, tree: str, detail: str, leaf: str
) -> None:
    """Contract 5 row 24: attributes as @name, text and lists as $."""
    address = f"/vault/nodes/{tree}{leaf}?detail={detail}"

    as_json = json.loads(owner.get(f"{address}&Accept={JSON}").text)["vos:node"]
    as_xml = owner.get(address).text

    assert as_json["@uri"] == uri(f"{tree}{leaf}")
    assert f'xsi:type="{as_json["@xsi:type"]}"' in as_xml
    nodes = [as_json, *as_json.get("vos:nodes", {}).get("$", [])]
    shown = [each for part in nodes for each in part["vos:properties"]["$"]]
    assert [(each["@uri"], each["$"]) for each in shown] == re.findall(
        r'<vos:property uri="([^"]*)"[^>]*>([^<]*)<', as_xml
    )
    assert [each["@uri"] for each in nodes[1:]] == re.findall(
        r'\n<vos:node uri="([^"]*)"', as_xml
    )
    assert ("vos:accepts" in as_json) is ("<vos:accepts" in as_xml.partition("<vos:nodes")[0])
    assert as_json.get("vos:target", {}).get("$") == (
        uri(f"{tree}/f") if leaf == "/l" else None
    )


def test_changes_answer_with_json_too(owner: httpx.Client, folder: str) -> None:
    """Contract 1.3: the answer to PUT and POST; what is sent stays XML."""
    path = f"{folder}/x"
    made = owner.put(f"/vault/nodes/{path}", content=data(path), headers={"accept": JSON})
    changed = owner.post(f"/vault/nodes/{path}?Accept={JSON}", content=data(path, title="t"))

    assert made.status_code == 201
    for answer in (made, changed):
        assert json.loads(answer.text)["vos:node"]["@uri"] == uri(path)
    refused = owner.put(f"/vault/nodes/{path}1", content='{"vos:node": {}}')
    assert_fault(refused, 400, "InvalidArgument")


# ------------------------------------------------------------------ getProtocols of a node

PROTOCOLS = '<vos:protocols xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"/>'


def provided(answer: httpx.Response) -> list[str]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    part = answer.text.partition("<vos:provides")[2].partition("</vos:provides>")[0]
    return re.findall(rf'<vos:protocol uri="{re.escape(CORE)}(\w+)"/>', part)


def test_a_node_tells_the_protocols_by_which_it_can_be_had(
    owner: httpx.Client, tree: str
) -> None:
    """VOSpace 2.1 6.1.3; Compliance rows 28 and 40: an empty document protocols, posted."""
    everything = ["httpget", "httpsget", "httpput", "httpsput"]

    assert provided(owner.post(f"/vault/nodes/{tree}/f", content=PROTOCOLS)) == everything
    assert provided(owner.post(f"/vault/nodes/{tree}/l", content=PROTOCOLS)) == everything
    assert provided(owner.post(f"/vault/nodes/{tree}", content=PROTOCOLS)) == []
    assert_fault(owner.post(f"/vault/nodes/{tree}/no", content=PROTOCOLS), 404, "NodeNotFound")


def test_only_protocols_that_the_caller_may_use_are_told(
    owner: httpx.Client, member: httpx.Client, anonymous: httpx.Client, tree: str
) -> None:
    """VOSpace 2.1 6.1.3: who may read but not write is offered no way to write."""
    home = "/vault/nodes/durand"
    owner.post(home, content=container("durand", ispublic="true")).raise_for_status()
    try:
        owner.post(f"/vault/nodes/{tree}", content=container(tree, ispublic="true"))
        group = "ivo://localhost/gms?HST-RO"
        owner.post(f"/vault/nodes/{tree}/f", content=data(f"{tree}/f", groupread=group))
        asked = [
            provided(client.post(f"/vault/nodes/{tree}/f", content=PROTOCOLS))
            for client in (member, anonymous)
        ]
    finally:
        owner.post(home, content=container("durand", ispublic="false")).raise_for_status()

    assert asked == [["httpget", "httpsget"], []]


@pytest.mark.parametrize("part", ["protocols", "views", "properties"])
def test_the_service_lists_what_it_knows(anonymous: httpx.Client, part: str) -> None:
    """VOSpace 2.1 6.1; Compliance rows 36 and 40; Contract 5 row 18: three documents."""
    answer = anonymous.get(f"/vault/{part}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    assert f"<vos:{part} " in answer.text
    assert "<vos:accepts" in answer.text
    assert "<vos:provides" in answer.text


def test_properties_are_accepted_that_can_be_set_and_provided_that_are_shown(
    anonymous: httpx.Client,
) -> None:
    """VOSpace 2.1 6.1.3: what the service lists is what it does."""
    listed = anonymous.get("/vault/properties").text
    accepted, _, provided = listed.partition("</vos:accepts>")
    provided = provided.partition("</vos:provides>")[0]

    def names(name: str) -> tuple[bool, bool]:
        return f"core#{name}" in accepted, f"core#{name}" in provided

    assert names("title") == names("ispublic") == names("quota") == (True, True)
    assert names("length") == names("MD5") == names("readable") == (False, True)
    # Another name of ispublic, under which it is shown.
    assert names("publicread") == (True, False)


# ------------------------------------------------------------------ bad documents

WRONG_NAMESPACE = data("durand/x").replace("VOSpace/v2.0", "VOSpace/v1.0")
OTHER_PREFIX = (
    '<q:node xmlns:q="http://www.ivoa.net/xml/VOSpace/v2.0" '
    'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" uri="{}" i:type="q:DataNode"/>'
)


UNREADABLE = [
    ("<vos:node", 400, "InvalidArgument"),
    (WRONG_NAMESPACE, 400, "InvalidArgument"),
    (node("durand/x", "ListNode"), 400, "TypeNotSupported"),
    (data("durand/x").replace("vos:DataNode", ""), 400, "TypeNotSupported"),
    (data("durand/x").replace("vos://", "http://"), 400, "InvalidURI"),
    (data("durand/x").replace('uri="vos', 'url="vos'), 400, "InvalidArgument"),
    (data("durand/x", title="t" * 40_000), 413, "RequestEntityTooLarge"),
    ('<!DOCTYPE n [<!ENTITY e "x">]>' + data("durand/x"), 400, "InvalidArgument"),
    (data("durand/x").replace('version="2.1"', 'version="3.0"'), 400, "InvalidArgument"),
]
IMPOSSIBLE = [
    (node("durand/x", "LinkNode"), 400, "InvalidArgument"),
    (link("durand/x", ""), 400, "InvalidArgument"),
    (data("durand/x", nonsense="1"), 400, "InvalidArgument"),
    (
        node("durand/x", "DataNode", properties={"ivo://ivoa.net/vospacecore#a": "b"}),
        400,
        "InvalidArgument",
    ),
]


@pytest.mark.parametrize(("document", "status", "name"), UNREADABLE)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_is_no_node_is_refused(
    owner: httpx.Client, method: str, document: str, status: int, name: str
) -> None:
    """Compliance rows 12, 14, 55, 56 and 57; Contract 7-23: 413, 400 with the reason."""
    answer = owner.request(method, "/vault/nodes/durand/x", content=document)

    assert_fault(answer, status, name)


@pytest.mark.parametrize(("document", "status", "name"), IMPOSSIBLE)
def test_a_node_that_can_not_be_is_refused(
    owner: httpx.Client, document: str, status: int, name: str
) -> None:
    """Compliance row 55; Contract 7-9: links without target, unknown core properties."""
    answer = owner.put("/vault/nodes/durand/x", content=document)

    assert_fault(answer, status, name)
    assert owner.get("/vault/nodes/durand/x").status_code == 404


def test_any_prefix_is_read_and_one_is_written(owner: httpx.Client, folder: str) -> None:
    """Contract 7-23: another prefix is accepted; the answer has vos and no charset."""
    path = f"{folder}/x"
    answer = owner.put(f"/vault/nodes/{path}", content=OTHER_PREFIX.format(uri(path)))

    assert answer.status_code == 201
    assert answer.headers["content-type"] == "text/xml"
    assert '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"' in answer.text
    assert 'xsi:type="vos:DataNode"' in answer.text


def test_children_in_a_new_container_are_ignored(owner: httpx.Client, folder: str) -> None:
    """Contract 7-23: a container is created without what its document holds."""
    path = f"{folder}/{secrets.token_hex(4)}"
    inner = data(f"{path}/a") + data(f"{path}/b")
    document = node(path, "ContainerNode", inner=f"<vos:nodes>{inner}</vos:nodes>")

    assert owner.put(f"/vault/nodes/{path}", content=document).status_code == 201

    assert "<vos:nodes>\n</vos:nodes>" in owner.get(f"/vault/nodes/{path}").text


def test_every_entry_has_a_date_and_every_container_a_length(
    owner: httpx.Client, tree: str
) -> None:
    """Contract 7-23: clients fail on a node without date, and on folders without length."""
    answer = owner.get(f"/vault/nodes/{tree}", params={"Accept": JSON})

    whole = json.loads(answer.text)["vos:node"]
    for each in (whole, *whole["vos:nodes"]["$"]):
        values = {item["@uri"]: item["$"] for item in each["vos:properties"]["$"]}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", values[f"{CORE}date"])
        assert each["@xsi:type"] == "vos:LinkNode" or values[f"{CORE}length"].isdigit()
