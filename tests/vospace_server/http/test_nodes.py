"""/nodes: the rules of VOSpace 2.1 and the corner cases of contract section 7."""

import httpx
import pytest

from tests.vospace_server.http.documents import (
    CORE,
    children_of,
    container,
    data,
    link,
    node,
    property_of,
    uri,
)

LOCKED = "ivo://cadc.nrc.ca/vospace/core#islocked"


def put_node(client: httpx.Client, path: str, document: str) -> httpx.Response:
    return client.put(f"/vault/nodes/{path}", content=document)


def get_node(client: httpx.Client, path: str, **parameters: str | int) -> httpx.Response:
    return client.get(f"/vault/nodes/{path}", params=parameters)


def assert_fault(response: httpx.Response, status: int, name: str) -> None:
    assert (response.status_code, response.text.split(":")[0].split("\n")[0]) == (status, name)
    assert response.headers["content-type"] == "text/plain"
    assert response.text.endswith("\n")


def test_a_new_container_is_created_and_shown(alice: httpx.Client, folder: str) -> None:
    """Compliance rows 7 and 52; Contract 5 row 1: 201 with the node, then 200."""
    response = put_node(alice, f"{folder}/d", container(f"{folder}/d", title="reference"))

    assert response.status_code == 201
    assert response.headers["content-type"] == "text/xml"
    assert 'xsi:type="vos:ContainerNode"' in response.text
    assert property_of(response.text, "title") == "reference"
    assert property_of(response.text, "creator") == "alice"
    shown = get_node(alice, f"{folder}/d")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/xml")
    assert property_of(shown.text, "length") == "0"


def test_a_listing_without_limit_has_every_child(alice: httpx.Client, folder: str) -> None:
    """Contract 5 rows 25, 26 and 28 and 7-1: 1,500 children, none, and pages that start with
    uri=."""
    names = [f"n{number:04d}" for number in range(1500)]
    for name in names:
        put_node(alice, f"{folder}/{name}", data(f"{folder}/{name}")).raise_for_status()

    assert children_of(get_node(alice, folder).text) == names
    assert children_of(get_node(alice, folder, limit=0).text) == []
    page = get_node(alice, folder, limit=1000, uri=uri(f"{folder}/n0999", "localhost!vault"))
    assert children_of(page.text) == names[999:]
    page = get_node(alice, folder, limit=3, uri=uri(f"{folder}/n0999"))
    assert children_of(page.text) == ["n0999", "n1000", "n1001"]
    assert_fault(get_node(alice, folder, uri=uri(f"{folder}/no")), 400, "InvalidURI")
    assert_fault(get_node(alice, folder, uri=uri("alice")), 400, "InvalidURI")
    assert_fault(get_node(alice, folder, uri=uri("alice", "other~vault")), 400, "InvalidURI")


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", ""])
def test_an_impossible_limit_is_an_invalid_argument(
    alice: httpx.Client, folder: str, limit: str
) -> None:
    """Compliance row 55; Contract 7-1: limit is a whole number from 0 on."""
    assert_fault(get_node(alice, folder, limit=limit), 400, "InvalidArgument")


@pytest.mark.parametrize(
    ("parameters", "shows_properties", "shows_access", "shows_views"),
    [
        ({}, True, False, True),
        ({"detail": "max"}, True, True, True),
        ({"DETAIL": "max"}, True, True, True),
        ({"detail": "properties"}, True, False, False),
        ({"detail": "min"}, False, False, False),
    ],
)
def test_detail_decides_how_much_is_shown(
    alice: httpx.Client,
    folder: str,
    parameters: dict[str, str],
    shows_properties: bool,
    shows_access: bool,
    shows_views: bool,
) -> None:
    """Contract 5 rows 22 and 23: min, properties, max, and readable with an explicit max."""
    put_node(alice, f"{folder}/f", data(f"{folder}/f"))

    document = get_node(alice, folder, **parameters).text

    assert children_of(document) == ["f"]
    assert ("core#date" in document) is shows_properties
    assert ("core#readable" in document) is shows_access
    assert ("<vos:accepts" in document) is shows_views


def test_an_unknown_detail_is_an_invalid_argument(alice: httpx.Client, folder: str) -> None:
    """Compliance row 55: an unknown word and a repeated parameter."""
    assert_fault(get_node(alice, folder, detail="all"), 400, "InvalidArgument")
    repeated = alice.get(f"/vault/nodes/{folder}?limit=1&LIMIT=2")
    assert_fault(repeated, 400, "InvalidArgument")


def test_children_are_sorted_as_asked(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 27: sort and order; other properties in the words that clients know."""
    for name, size in (("b", 30), ("a", 10), ("c", 20)):
        alice.put(f"/vault/files/{folder}/{name}", content=b"x" * size).raise_for_status()

    by_length = get_node(alice, folder, sort=f"{CORE}length", order="desc")
    by_date = get_node(alice, folder, sort=f"{CORE}date")
    backwards = get_node(alice, folder, order="desc")
    unknown = get_node(alice, folder, sort=f"{CORE}creator")

    assert children_of(by_length.text) == ["b", "c", "a"]
    assert children_of(by_date.text) == ["b", "a", "c"]
    assert children_of(backwards.text) == ["c", "b", "a"]
    assert_fault(unknown, 400, "OptionNotSupported")
    assert "sorting options not supported" in unknown.text
    assert_fault(get_node(alice, folder, order="up"), 400, "InvalidArgument")


def test_the_document_must_name_the_address(alice: httpx.Client, folder: str) -> None:
    """Compliance rows 4 and 56; Contract 7-2: another path is InvalidURI, ! is equal to ~."""
    elsewhere = put_node(alice, f"{folder}/x", data(f"{folder}/y"))
    other_service = put_node(
        alice, f"{folder}/x", node(f"{folder}/x", "DataNode", authority="other~vault")
    )
    other_separator = put_node(
        alice, f"{folder}/x", node(f"{folder}/x", "DataNode", authority="localhost!vault")
    )

    assert_fault(elsewhere, 400, "InvalidURI")
    assert_fault(other_service, 400, "InvalidURI")
    assert other_separator.status_code == 201
    assert f'uri="{uri(f"{folder}/x")}"' in other_separator.text


def test_a_missing_parent_is_container_not_found_to_writers_only(
    alice: httpx.Client, folder: str
) -> None:
    """Compliance rows 5, 59 and 61; Contract 7-3: ancestors that are missing or no
    containers."""
    put_node(alice, f"{folder}/file", data(f"{folder}/file"))

    for path in (f"{folder}/no/such/x", f"{folder}/file/x"):
        assert_fault(put_node(alice, path, data(path)), 404, "ContainerNotFound")
        assert_fault(get_node(alice, path), 404, "NodeNotFound")
        assert_fault(alice.delete(f"/vault/nodes/{path}"), 404, "ContainerNotFound")
    assert_fault(alice.delete(f"/vault/nodes/{folder}/none"), 404, "NodeNotFound")


def test_a_name_that_is_taken_is_a_duplicate_whatever_the_type(
    alice: httpx.Client, bob: httpx.Client, folder: str
) -> None:
    """Compliance row 60; Contract 7-4: DuplicateNode also for another type."""
    for document in (container(folder), data(folder)):
        assert_fault(put_node(alice, folder, document), 409, "DuplicateNode")
    assert_fault(put_node(bob, f"{folder}/x", data(f"{folder}/x")), 403, "PermissionDenied")


def test_anonymous_callers_are_told_how_to_log_in(anonymous: httpx.Client, folder: str) -> None:
    """Contract 5 row 93: 401 with the challenges of SSO."""
    response = get_node(anonymous, f"{folder}/x")

    assert_fault(response, 401, "NotAuthenticated")
    schemes = response.headers.get_list("www-authenticate")
    assert any(scheme.startswith('Basic realm="') for scheme in schemes)
    assert "Bearer" in schemes


def test_requests_on_a_link_concern_the_link_itself(alice: httpx.Client, folder: str) -> None:
    """Contract 5 rows 2 and 5 and 7-5: the link itself at the end of a path, its target
    inside."""
    put_node(alice, f"{folder}/d", container(f"{folder}/d"))
    put_node(alice, f"{folder}/d/f", data(f"{folder}/d/f"))
    put_node(alice, f"{folder}/l", link(f"{folder}/l", uri(f"{folder}/d")))

    shown = get_node(alice, f"{folder}/l")
    through = get_node(alice, f"{folder}/l/f")
    deleted = alice.delete(f"/vault/nodes/{folder}/l")

    assert "<vos:target>" in shown.text
    assert through.status_code == 200
    assert deleted.status_code == 200
    assert get_node(alice, f"{folder}/l").status_code == 404
    assert get_node(alice, f"{folder}/d/f").status_code == 200


def test_links_in_a_circle_end_quickly(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 6 and 7-6: a circle is a 404."""
    put_node(alice, f"{folder}/a", link(f"{folder}/a", uri(f"{folder}/b")))
    put_node(alice, f"{folder}/b", link(f"{folder}/b", uri(f"{folder}/a")))

    assert_fault(get_node(alice, f"{folder}/a/x"), 404, "UnreadableLinkTarget")
    assert_fault(alice.get(f"/vault/files/{folder}/a"), 404, "UnreadableLinkTarget")


def test_links_out_of_the_space_are_never_followed(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 3 and 7-7: 400 that names the target."""
    put_node(alice, f"{folder}/ext", link(f"{folder}/ext", "http://127.0.0.1:1/x"))

    for response in (
        get_node(alice, f"{folder}/ext/x"),
        alice.get(f"/vault/files/{folder}/ext"),
    ):
        assert_fault(response, 400, "InvalidArgument")
        assert "http://127.0.0.1:1/x" in response.text


def test_a_posted_document_with_a_default_namespace_and_no_content_type_is_taken(
    alice: httpx.Client, folder: str
) -> None:
    """Contract 5 row 75 and 7-8: the document of the real client, which locks the node."""
    path = f"{folder}/f"
    put_node(alice, path, data(path, title="old"))
    document = (
        '<node xmlns="http://www.ivoa.net/xml/VOSpace/v2.0" '
        'xmlns:ns1="http://www.w3.org/2001/XMLSchema-instance" '
        f'uri="{uri(path, "localhost!vault")}" ns1:type="vos:DataNode" '
        'xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"><properties>'
        f'<property xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uri="{LOCKED}">'
        "true</property>"
        f'<property uri="{CORE}length" readOnly="true">0</property></properties></node>'
    )

    request = alice.build_request("POST", f"/vault/nodes/{path}", content=document)
    request.headers.pop("content-type", None)
    response = alice.send(request)

    assert response.status_code == 200
    shown = get_node(alice, path).text
    assert f'uri="{LOCKED}">true<' in shown
    assert property_of(shown, "title") == "old"
    assert_fault(alice.delete(f"/vault/nodes/{path}"), 403, "PermissionDenied")


def test_properties_are_deleted_emptied_or_left_alone(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 13 and 7-9: nil deletes, empty empties, absent leaves alone."""
    path = f"{folder}/f"
    put_node(alice, path, data(path, title="t", subject="s", rights="r"))
    removal = f'<vos:property uri="{CORE}title" xsi:nil="true"/>'
    document = data(path, subject="").replace(
        "</vos:properties>", removal + "</vos:properties>"
    )

    alice.post(f"/vault/nodes/{path}", content=document).raise_for_status()

    shown = get_node(alice, path).text
    assert property_of(shown, "title") is None
    assert property_of(shown, "subject") == ""
    assert property_of(shown, "rights") == "r"


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"nonsense": "x"}, 400, "InvalidArgument"),
        ({"length": "77"}, 403, "PermissionDenied"),
        ({"quota": "5"}, 403, "PermissionDenied"),
    ],
)
def test_impossible_changes_are_refused(
    alice: httpx.Client, folder: str, change: dict[str, str], status: int, name: str
) -> None:
    """Contract 5 row 16 and 7-9: unknown core properties, read-only and administered ones."""
    put_node(alice, f"{folder}/f", data(f"{folder}/f"))

    response = alice.post(f"/vault/nodes/{folder}/f", content=data(f"{folder}/f", **change))

    assert_fault(response, status, name)


def test_the_type_of_a_node_never_changes(alice: httpx.Client, folder: str) -> None:
    """Contract 7-9: a document of another type is 400."""
    put_node(alice, f"{folder}/f", data(f"{folder}/f"))

    response = alice.post(f"/vault/nodes/{folder}/f", content=container(f"{folder}/f"))

    assert_fault(response, 400, "InvalidArgument")


@pytest.mark.parametrize(
    ("document", "status", "name"),
    [
        ("", 400, "InvalidArgument"),
        ("<broken", 400, "InvalidArgument"),
        ("<a/>", 400, "InvalidArgument"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400, "InvalidArgument"),
        (node("alice/x", "StrangeNode"), 400, "TypeNotSupported"),
        (data("alice/x", title="t" * 40_000), 413, "RequestEntityTooLarge"),
    ],
)
def test_documents_that_are_none_are_refused(
    alice: httpx.Client, document: str, status: int, name: str
) -> None:
    """Compliance rows 12 and 57; Contract 7-23: 400, 413, and no entity is expanded."""
    assert_fault(put_node(alice, "alice/x", document), status, name)


def test_broken_xml_names_its_line(alice: httpx.Client) -> None:
    """Contract 7-23: the line and the reason."""
    response = put_node(alice, "alice/x", "<a>\n<b>\n</a>")

    assert "line 3" in response.text


def test_a_container_that_is_not_empty_stays(alice: httpx.Client, folder: str) -> None:
    """Compliance row 52; Contract 5 row 30: refused as CADC does; the size follows at once."""
    put_node(alice, f"{folder}/d", container(f"{folder}/d"))
    alice.put(f"/vault/files/{folder}/d/f", content=b"12345").raise_for_status()

    refused = alice.delete(f"/vault/nodes/{folder}/d")
    emptied = alice.delete(f"/vault/nodes/{folder}/d/f")
    response = alice.delete(f"/vault/nodes/{folder}/d")

    assert_fault(refused, 400, "InvalidArgument")
    assert f"container node '/{folder}/d' is not empty" in refused.text
    assert (emptied.status_code, emptied.content) == (200, b"")
    assert (response.status_code, response.content) == (200, b"")
    assert_fault(get_node(alice, f"{folder}/d"), 404, "NodeNotFound")
    assert property_of(get_node(alice, folder).text, "length") == "0"


def test_view_data_redirects_to_the_file(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 41: 303 to the bytes; other views are refused."""
    response = get_node(alice, f"{folder}/f", view="data")

    assert response.status_code == 303
    assert response.headers["location"].endswith(f"/vault/files/{folder}/f")
    assert_fault(get_node(alice, folder, view="rss"), 400, "OptionNotSupported")


def test_other_methods_are_named(alice: httpx.Client, folder: str) -> None:
    response = alice.patch(f"/vault/nodes/{folder}")

    assert response.status_code == 405
    assert response.headers["allow"] == "DELETE, GET, HEAD, POST, PUT"
    options = alice.options(f"/vault/nodes/{folder}")
    assert (options.status_code, options.headers["allow"]) == (200, response.headers["allow"])


def test_head_says_whether_a_node_is_there(alice: httpx.Client, folder: str) -> None:
    assert alice.head(f"/vault/nodes/{folder}").status_code == 200
    assert alice.head(f"/vault/nodes/{folder}/none").status_code == 404


def test_a_container_of_somebody_else_is_seen_but_not_listed(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    """Compliance row 58; Contract 5 row 70: metadata needs the ancestors, children the
    node."""
    shown = get_node(bob, "alice")

    assert shown.status_code == 200
    assert children_of(shown.text) == []
    assert property_of(shown.text, "creator") == "alice"
    assert_fault(get_node(bob, "alice/x"), 403, "PermissionDenied")
