"""CADC's addresses of groups (contract 3.3): made, shown, changed, ended."""

import secrets
from xml.etree import ElementTree as ET

import httpx
import pytest

SHOWN = "ivo://cadc.nrc.ca/gms"


def group_xml(name: str, inner: str = "") -> str:
    return f"<group uri='{SHOWN}?{name}'>{inner}</group>"


def user_xml(name: str, kind: str = "HTTP") -> str:
    return f"<user><identities><identity type='{kind}'>{name}</identity></identities></user>"


@pytest.fixture
def name(owner: httpx.Client) -> str:
    """A group of durand's."""
    name = f"g-{secrets.token_hex(5)}"
    owner.put("/gms/groups", content=group_xml(name)).raise_for_status()
    return name


def shown(client: httpx.Client, name: str) -> ET.Element:
    answer = client.get(f"/gms/groups/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    return ET.fromstring(answer.content)


def people(group: ET.Element, part: str, kind: str = "HTTP") -> list[str | None]:
    return [
        each.text for each in group.findall(f"{part}/user/identities/identity[@type='{kind}']")
    ]


def uris(group: ET.Element, part: str) -> list[str]:
    return [each.attrib["uri"] for each in group.findall(f"{part}/group")]


def test_a_group_is_made_by_its_document_and_belongs_to_who_sent_it(
    owner: httpx.Client,
) -> None:
    """Contract 5 row 85: PUT /groups is 200 with the group; its maker is in it."""
    name = f"g-._~{secrets.token_hex(5)}"
    answer = owner.put(
        "/gms/groups",
        content=group_xml(
            name,
            "<description>All &lt;staff&gt;</description>"
            "<properties><property key='n' type='Integer' readOnly='true'>3</property>"
            f"</properties><userMembers>{user_xml('member')}</userMembers>",
        ),
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    group = ET.fromstring(answer.content)
    assert [each.tag for each in group] == [
        "owner",
        "description",
        "lastModified",
        "properties",
        "userMembers",
        "groupMembers",
        "userAdmins",
        "groupAdmins",
    ]
    assert people(group, "owner") == ["durand"]
    assert people(group, "userMembers") == ["durand", "member"]
    assert group.findtext("description") == "All <staff>"
    remark = group.find("properties/property")
    assert remark is not None
    assert (remark.text, remark.attrib) == (
        "3",
        {"key": "n", "type": "Integer", "readOnly": "true"},
    )


def test_everybody_has_an_http_and_an_x500_identity_and_a_number_of_their_own(
    owner: httpx.Client, name: str
) -> None:
    """Contract 3.3: CADC's client fails on a user without both; ours are made up if need be."""
    for who, kind in (("member", "HTTP"), ("CN=Cy,C=CA", "X500"), ("dee@example.org", "HTTP")):
        owner.put(
            f"/gms/groups/{name}/userMembers/x", params={"idType": kind, "userID": who}
        ).raise_for_status()

    group = shown(owner, name)

    assert people(group, "userMembers") == [
        "cn=cy,c=ca",
        "dee@example.org",
        "durand",
        "member",
    ]
    assert people(group, "userMembers", "X500") == [
        "cn=cy,c=ca",
        "cn=dee@example.org,o=localhost",
        "cn=durand,o=localhost",
        "cn=member,o=localhost",
    ]
    numbers = [each.text for each in group.findall("userMembers/user/internalID/uri")]
    assert len(set(numbers)) == 4


def test_what_is_shown_may_be_posted_back_and_changes_nothing(
    owner: httpx.Client, name: str
) -> None:
    """Contract 3.3: `admins` and `clear` post the complete group back."""
    for who, kind in (("member", "HTTP"), ("CN=Cy,C=CA", "X500"), ("dee@example.org", "HTTP")):
        owner.put(
            f"/gms/groups/{name}/userMembers/x", params={"idType": kind, "userID": who}
        ).raise_for_status()
    owner.put(f"/gms/groups/{name}/groupMembers/HST-RO").raise_for_status()
    before = shown(owner, name)

    owner.post(f"/gms/groups/{name}", content=ET.tostring(before)).raise_for_status()

    after = shown(owner, name)
    for group in (before, after):
        modified = group.find("lastModified")
        assert modified is not None
        group.remove(modified)
    assert ET.tostring(after) == ET.tostring(before)


def test_a_posted_document_says_what_the_group_is_from_now_on(
    owner: httpx.Client, name: str
) -> None:
    """Contract 3.3: POST replaces description, administrators, members and properties."""
    answer = owner.post(
        f"/gms/groups/{name}",
        content=group_xml(
            name,
            f"<userAdmins>{user_xml('cn=member,o=localhost', 'X500')}</userAdmins>"
            f"<groupAdmins><group uri='{SHOWN}?HST-RO'/></groupAdmins>"
            "<groupMembers><group uri='ivo://example.org/gms?theirs'/></groupMembers>",
        ),
    )

    answer.raise_for_status()
    group = shown(owner, name)
    assert people(group, "userMembers") == []
    assert people(group, "userAdmins") == ["member"]
    assert uris(group, "groupAdmins") == [f"{SHOWN}?HST-RO"]
    assert uris(group, "groupMembers") == ["ivo://example.org/gms?theirs"]


def test_members_are_added_once_and_removed_once(owner: httpx.Client, name: str) -> None:
    """Contract 3.3: 409 for who is a member already, 404 for who is none, no bodies."""
    address = f"/gms/groups/{name}/userMembers/member?idType=HTTP&userID=member&groupID={name}"

    added = [owner.put(address) for _ in range(2)]
    removed = [owner.delete(address) for _ in range(2)]

    assert [answer.status_code for answer in (*added, *removed)] == [200, 409, 200, 404]
    assert added[0].content == removed[0].content == b""
    assert f": 'member' is a member of '{name}' already\n" in added[1].text
    assert f": 'member' is not a member of '{name}'\n" in removed[1].text


def test_where_path_and_query_disagree_the_query_is_right(
    owner: httpx.Client, name: str
) -> None:
    """Contract 3.3: cadc-groups swaps the two groups in the path when it removes one."""
    query = {"groupID": name, "groupID2": "HST-RO"}
    owner.put(f"/gms/groups/{name}/groupMembers/HST-RO", params=query).raise_for_status()
    assert uris(shown(owner, name), "groupMembers") == [f"{SHOWN}?HST-RO"]

    owner.delete(f"/gms/groups/HST-RO/groupMembers/{name}", params=query).raise_for_status()

    assert uris(shown(owner, name), "groupMembers") == []


def test_an_ended_group_is_gone_and_its_name_is_never_given_again(
    owner: httpx.Client, member: httpx.Client, name: str
) -> None:
    """GMS 1.0 names: an old ACL must not begin to mean a new group."""
    owner.put(f"/gms/groups/{name}/userMembers/member").raise_for_status()

    assert owner.delete(f"/gms/groups/{name}").status_code == 200

    assert owner.get(f"/gms/groups/{name}").status_code == 404
    assert owner.delete(f"/gms/groups/{name}").status_code == 404
    assert name not in member.get("/gms/search").text.split()
    assert owner.put("/gms/groups", content=group_xml(name)).status_code == 409


def test_members_look_and_administrators_change_and_strangers_do_neither(
    owner: httpx.Client, member: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    """Contract 5 row 86: 403 for whoever has no such part in the group."""
    owner.put(f"/gms/groups/{name}/userMembers/member").raise_for_status()

    def attempts(client: httpx.Client) -> list[int]:
        answers = (
            client.get(f"/gms/groups/{name}"),
            client.put(f"/gms/groups/{name}/userMembers/CN=x,C=CA?idType=X500"),
            client.delete(f"/gms/groups/{name}/userMembers/CN=x,C=CA?idType=X500"),
            client.post(
                f"/gms/groups/{name}",
                content=group_xml(
                    name, f"<userMembers>{user_xml('member')}</userMembers>" + administrators
                ),
            ),
            client.delete(f"/gms/groups/{name}") if client is not owner else None,
        )
        return [each.status_code for each in answers if each is not None]

    administrators = ""
    assert attempts(stranger) == [403] * 5
    assert attempts(member) == [200, 403, 403, 403, 403]
    administrators = f"<userAdmins>{user_xml('member')}</userAdmins>"
    assert attempts(owner) == [200, 200, 200, 200]
    assert attempts(member) == [200, 200, 200, 200, 403]
    assert stranger.get(f"/gms/groups/{name}").status_code == 403


def test_the_list_holds_the_groups_that_one_has_a_part_in(
    owner: httpx.Client, member: httpx.Client, stranger: httpx.Client, name: str
) -> None:
    """Contract 3.3: GET /groups is plain text; of other groups not even the names are told."""
    answer = owner.get("/gms/groups")

    assert answer.headers["content-type"] == "text/plain"
    assert {name, "HST-RO"} <= set(answer.text.split("\r\n"))
    assert "HST-RO" in member.get("/gms/groups").text.split()
    assert name not in member.get("/gms/groups").text.split()
    assert name not in stranger.get("/gms/groups").text.split()


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("PUT", "", group_xml("a/b"), 400),
        ("PUT", "", group_xml("a b"), 400),
        ("PUT", "", group_xml("HST-RO"), 409),
        ("PUT", "", "<group uri='ivo://example.org/gms?theirs'/>", 400),
        ("PUT", "", "<group", 400),
        ("PUT", "", "<!DOCTYPE group [<!ENTITY e 'x'>]><group uri='&e;'/>", 400),
        ("PUT", "", group_xml("x" * 300), 400),
        ("PUT", "", group_xml("n1", f"<userMembers>{user_xml('nobody')}</userMembers>"), 404),
        (
            "PUT",
            "",
            group_xml("n2", f"<userMembers>{user_xml('7', 'POSIX')}</userMembers>"),
            400,
        ),
        ("PUT", "", group_xml("n3", "<userMembers><user/></userMembers>"), 400),
        (
            "PUT",
            "",
            group_xml("n4", f"<groupMembers><group uri='{SHOWN}?none'/></groupMembers>"),
            404,
        ),
        (
            "PUT",
            "",
            group_xml(
                "n5", "<properties><property key='a' type='Float'>1</property></properties>"
            ),
            400,
        ),
        ("PUT", "", group_xml("n6", f"<description>{'x' * 5000}</description>"), 400),
        ("POST", "/HST-RO", group_xml("other"), 400),
        ("POST", "/no-such-group", group_xml("no-such-group"), 404),
        ("POST", "", group_xml("HST-RO"), 400),
        ("GET", "/no-such-group", "", 404),
        ("GET", "/HST-RO/userMembers", "", 400),
        ("PUT", "/HST-RO/userMembers", "", 400),
        ("PUT", "/HST-RO/owners/member", "", 400),
        ("PUT", "/HST-RO/userMembers/nobody", "", 404),
        ("PUT", "/HST-RO/userMembers/member?idType=Face", "", 400),
        ("PUT", "/HST-RO/userMembers/nonsense?idType=X500", "", 400),
        ("PUT", "/HST-RO/groupMembers/no-such-group", "", 404),
        ("DELETE", "", "", 400),
        ("DELETE", "/HST-RO/userMembers/stranger", "", 404),
        ("GET", "/%ff", "", 400),
        ("GET", "/a%20b", "", 404),
        ("PATCH", "/HST-RO", "", 405),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(
    owner: httpx.Client, method: str, address: str, body: str, status: int
) -> None:
    """Contract 3.3: 400, 404 and 409 as CADC's clients know them."""
    answer = owner.request(method, f"/gms/groups{address}", content=body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/plain")
    assert len(answer.text.splitlines()) == 1


def test_a_group_that_could_not_be_made_leaves_no_name_behind(owner: httpx.Client) -> None:
    """Contract 3.3: a document is taken whole or not at all."""
    name = f"g-{secrets.token_hex(5)}"
    broken = group_xml(name, f"<userMembers>{user_xml('nobody')}</userMembers>")

    assert owner.put("/gms/groups", content=broken).status_code == 404
    assert owner.put("/gms/groups", content=group_xml(name)).status_code == 200


def test_a_document_over_the_limit_is_refused(owner: httpx.Client) -> None:
    """Contract 7-23: 413 before it is read."""
    answer = owner.put("/gms/groups", content=group_xml("x", " " * (4 << 20)))

    assert answer.status_code == 413
