"""GMS 1.0 on the wire: what the search for groups answers to whom (contract 3.1, 3.2, 7-25)."""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.support.space import Space, add_user
from tests.vospace_server.http.documents import CORE, container, data

SHOWN = "ivo://cadc.nrc.ca/gms"
MakeGroup = Callable[..., str]


@pytest.fixture
def make_group(owner: httpx.Client) -> MakeGroup:
    """Makes a group of durand's, durand being a member; returns its name."""

    def make(*, users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> str:
        name = f"g-{secrets.token_hex(5)}"
        people = "".join(
            f"<user><identities><identity type='HTTP'>{user}</identity></identities></user>"
            for user in users
        )
        nested = "".join(f"<group uri='{SHOWN}?{group}'/>" for group in groups)
        answer = owner.put(
            "/gms/groups",
            content=f"<group uri='{SHOWN}?{name}'><userMembers>{people}</userMembers>"
            f"<groupMembers>{nested}</groupMembers></group>",
        )
        answer.raise_for_status()
        return name

    return make


@pytest.fixture
def passable(owner: httpx.Client) -> Iterator[None]:
    """Everybody may pass through /durand for the time of a test."""
    address = "/vault/nodes/durand"
    owner.post(address, content=container("durand", ispublic="true")).raise_for_status()
    yield
    owner.post(address, content=container("durand", ispublic="false")).raise_for_status()


def found(client: httpx.Client, *names: str, **parameters: str) -> list[str]:
    """The names that a search answers, which must be lines of the standard's form."""
    answer = client.get("/gms/search", params={**parameters, "group": list(names)})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain")
    assert re.fullmatch(rb"([A-Za-z0-9,._~-]+\r\n)*", answer.content)
    return answer.text.split()


def test_groups_come_one_per_line_each_ended_by_cr_lf(
    member: httpx.Client, make_group: MakeGroup
) -> None:
    """Contract 5 row 84 and 7-25: names as text/plain, CRLF after each, the last included."""
    name = make_group(users=("member",))

    answer = member.get("/gms/search")

    assert answer.headers["content-type"] == "text/plain"
    assert answer.text.endswith("\r\n")
    assert {"HST-RO", name} <= set(answer.text.split("\r\n"))


def test_only_the_groups_asked_for_are_told_as_far_as_one_is_in_them(
    member: httpx.Client, make_group: MakeGroup
) -> None:
    """GMS 1.0 search: group may be repeated; others' groups and missing ones look alike."""
    mine, theirs = make_group(users=("member",)), make_group()

    assert found(member, mine, theirs, "HST-RO", "no-such-group") == sorted(["HST-RO", mine])
    assert found(member, theirs) == []
    assert found(member, f"{SHOWN}?{mine}", f"ivo://localhost/gms#{mine}") == [mine]
    assert found(member, f"ivo://example.org/gms?{mine}") == []


def test_whoever_is_in_no_group_gets_an_empty_answer(shared_space: Space) -> None:
    """Contract 7-25: no match is an empty body with 200."""
    alone = add_user(shared_space.server, f"alone-{secrets.token_hex(4)}")
    with shared_space.client(alone) as client:
        answer = client.get("/gms/search")

        assert (answer.status_code, answer.content) == (200, b"")
        assert client.get("/gms/search?group=HST-RO").content == b""


@pytest.mark.parametrize("address", ["/gms/search", "/gms/search?group=x", "/gms/groups"])
def test_nobody_is_asked_to_log_in(anonymous: httpx.Client, address: str) -> None:
    """Contract 7-25: anonymous is 401 with the challenges of SSO."""
    answer = anonymous.get(address)

    assert answer.status_code == 401
    challenges = answer.headers.get_list("www-authenticate")
    assert any(each.startswith("Basic ") for each in challenges)
    assert "Bearer" in challenges
    assert any(each.startswith("ivoa_bearer ") for each in challenges)


def test_a_token_that_nobody_has_is_refused_with_challenges(shared_space: Space) -> None:
    """Contract 3.1: a bearer that is not valid is 401, not an empty list."""
    headers = {"authorization": "Bearer nobody-has-this"}

    answer = httpx.get(f"{shared_space.server.root_url}/gms/search", headers=headers)

    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


def test_the_answer_says_how_long_it_may_be_kept(member: httpx.Client) -> None:
    """GMS 1.0 caching: Expires, no longer than changes take to hold everywhere."""
    answer = member.get("/gms/search")

    expires = parsedate_to_datetime(answer.headers["expires"])
    assert timedelta(0) < expires - datetime.now(UTC) <= timedelta(seconds=60)
    assert answer.headers["cache-control"].startswith("private")


def test_members_of_a_group_in_a_group_are_members_of_it(
    member: httpx.Client, make_group: MakeGroup
) -> None:
    """Contract 5 row 85: nested membership is expanded, over several levels."""
    inner = make_group(users=("member",))
    middle = make_group(groups=(inner,))
    outer = make_group(groups=(middle,))

    assert found(member, inner, middle, outer) == sorted([inner, middle, outer])


def test_groups_that_contain_each_other_are_no_trap(
    owner: httpx.Client, member: httpx.Client, stranger: httpx.Client, make_group: MakeGroup
) -> None:
    """Contract 7-25: a cycle terminates, and its groups are told once each."""
    first = make_group(users=("member",))
    second = make_group(groups=(first,))
    owner.put(f"/gms/groups/{first}/groupMembers/{second}").raise_for_status()
    owner.put(f"/gms/groups/{first}/groupMembers/{first}").raise_for_status()

    assert found(member, first, second) == sorted([first, second])
    assert found(stranger, first, second) == []


def test_a_change_of_membership_holds_from_the_next_request_on(
    owner: httpx.Client, stranger: httpx.Client, make_group: MakeGroup
) -> None:
    """Contract 7-25: added and removed members are told at once by the same server."""
    name = make_group()
    address = f"/gms/groups/{name}/userMembers/stranger"

    owner.put(address).raise_for_status()
    assert found(stranger, name) == [name]
    owner.delete(address).raise_for_status()
    assert found(stranger, name) == []


@pytest.mark.parametrize(
    "spelling",
    [
        "ivo://cadc.nrc.ca/gms?{}",
        "ivo://cadc.nrc.ca/gms#{}",
        "ivo://localhost/gms?{}",
        "ivo://localhost/gms#{}",
        "ivo://LOCALHOST/gms?{}",
    ],
)
def test_every_spelling_of_our_group_in_an_acl_is_that_group(
    owner: httpx.Client,
    member: httpx.Client,
    passable: None,
    make_group: MakeGroup,
    spelling: str,
) -> None:
    """Contract 7-25: the alias that clients have built in, and the older form with #."""
    group, place = make_group(users=("member",)), f"durand/{secrets.token_hex(5)}"
    answer = owner.put(
        f"/vault/nodes/{place}", content=data(place, groupread=spelling.format(group))
    )
    answer.raise_for_status()

    assert f'uri="{CORE}groupread">ivo://localhost/gms?{group}<' in answer.text
    # Never written: no content, where somebody who may not read would get 403.
    assert member.get(f"/vault/files/{place}").status_code == 204


def test_a_group_of_an_authority_that_means_somebody_else_is_not_ours(
    owner: httpx.Client, member: httpx.Client, passable: None, make_group: MakeGroup
) -> None:
    """Contract 7-25: an authority is an alias only when it is configured."""
    group, place = make_group(users=("member",)), f"durand/{secrets.token_hex(5)}"
    owner.put(
        f"/vault/nodes/{place}", content=data(place, groupread=f"ivo://our.org/gms?{group}")
    ).raise_for_status()

    assert member.get(f"/vault/files/{place}").status_code == 403


# ------------------------------------------------------------------ CADC's additions


def roles(client: httpx.Client, **parameters: str) -> list[str]:
    """The groups of CADC's XML form."""
    answer = client.get("/gms/search", params=parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    root = ET.fromstring(answer.content)
    assert root.tag == "groups"
    return [group.attrib["uri"] for group in root]


def test_with_a_role_the_answer_is_a_list_of_groups_in_xml(
    owner: httpx.Client, member: httpx.Client, make_group: MakeGroup
) -> None:
    """Contract 3.2: role=owner, admin or member; with groupID none or one."""
    name = make_group(users=("member",))
    uri = f"{SHOWN}?{name}"

    assert uri in roles(owner, role="owner")
    assert uri in roles(member, ROLE="Member")
    assert roles(member, role="member", groupID=name) == [uri]
    assert roles(member, role="owner", groupID=name) == []
    assert uri not in roles(member, role="admin")
    assert roles(member, role="admin", groupID=name) == []


def test_an_administrator_is_told_by_that_role(
    owner: httpx.Client, member: httpx.Client, stranger: httpx.Client, make_group: MakeGroup
) -> None:
    """Contract 5 row 86: administrators themselves, and members of a group of them."""
    leads = make_group(users=("member",))
    name = make_group()
    answer = owner.post(
        f"/gms/groups/{name}",
        content=f"<group uri='{SHOWN}?{name}'><userAdmins><user><identities>"
        "<identity type='HTTP'>stranger</identity></identities></user></userAdmins>"
        f"<groupAdmins><group uri='{SHOWN}?{leads}'/></groupAdmins></group>",
    )
    answer.raise_for_status()

    for client in (member, stranger):
        assert roles(client, role="admin", groupID=name) == [f"{SHOWN}?{name}"]
        assert roles(client, role="owner", groupID=name) == []


@pytest.mark.parametrize(
    "query", ["groupID=x", "role=lord", "role=member&role=owner", "group=ivo://x"]
)
def test_a_question_that_makes_no_sense_is_refused(member: httpx.Client, query: str) -> None:
    """Contract 3.2: groupID without role, and words that are no role, are 400."""
    answer = member.get(f"/gms/search?{query}")

    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain")


def test_the_capabilities_lead_to_the_search_under_both_spellings(
    shared_space: Space, anonymous: httpx.Client
) -> None:
    """Contract 3.1: the standard's lower case, and the upper case of clients."""
    registry = anonymous.get("/reg/resource-caps").text
    lines = dict(line.split(" = ") for line in registry.splitlines() if "=" in line)

    text = anonymous.get(lines["ivo://localhost/gms"]).text

    offered = dict(
        re.findall(r'<capability standardID="([^"]*)">.*?<accessURL[^>]*>([^<]*)<', text)
    )
    root = f"{shared_space.server.root_url}/gms"
    for standard_id in ("ivo://ivoa.net/std/gms", "ivo://ivoa.net/std/GMS"):
        assert offered[f"{standard_id}#search-1.0"] == f"{root}/search"
    assert offered["ivo://ivoa.net/std/GMS#groups-0.1"] == f"{root}/groups"
    assert anonymous.get(offered["ivo://ivoa.net/std/VOSI#availability"]).status_code == 200
