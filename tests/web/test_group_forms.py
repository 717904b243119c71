"""The forms of groups without a browser: what they do, refuse, and say, and where."""

import re
from collections.abc import Callable
from html import unescape

import httpx
import pytest

from tests.web.forms import send
from tests.web.site import Person, WebSite, csrf_token
from vospace_server.domain.identity import OPERATOR

Client = Callable[..., httpx.Client]


def members(site: WebSite, name: str) -> list[str]:
    return [member.value for member in site.groups.get(name).members]


def test_somebody_makes_a_group_and_is_its_owner(
    client: Client, site: WebSite, alice: Person
) -> None:
    name = f"made-{alice.name}"
    answer = send(client(alice), "/groups/new", name=name, description="For a test")

    assert answer.headers["location"] == f"/groups/show/{name}"
    assert site.groups.get(name).owner == alice.name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the group a name."),
        ("a b", "can't be a group name"),
        ("<img src=x onerror=hacked()>", "can't be a group name"),
    ],
)
def test_a_name_that_is_no_good_is_said_beside_it_and_the_rest_is_kept(
    client: Client, alice: Person, name: str, sentence: str
) -> None:
    answer = send(client(alice), "/groups/new", name=name, description="kept & safe")

    text = unescape(answer.text)
    assert answer.status_code == 422
    assert sentence in text
    assert 'id="name-wrong"' in text
    assert "kept & safe</textarea>" in text
    assert "<img src=x" not in answer.text


def test_a_name_that_is_taken_is_said(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    taken = site.new_group(bob)
    answer = send(client(alice), "/groups/new", name=taken)

    assert answer.status_code == 422
    assert "There is (or was) a group" in answer.text


def test_members_are_added_by_every_name_that_they_have(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group, other = site.new_group(alice), site.new_group(alice, "other")
    browser = client(alice)
    for who in (bob.name, "CN=Ann Ode,C=ca", "Ann@Example.org", f"ivo://localhost/gms?{other}"):
        answer = send(browser, f"/groups/show/{group}/members", member=who)
        assert answer.status_code == 303, answer.text

    assert members(site, group) == [
        "cn=ann ode,c=ca",
        "ann@example.org",
        f"ivo://localhost/gms?{other}",
        bob.name,
    ]
    page = unescape(browser.get(f"/groups/show/{group}").text)
    assert bob.name in page
    assert "cn=ann ode,c=ca" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"member": ""}, "Say who: a user id, a DN, an e-mail address or a group."),
        ({"member": "nobody-here"}, "There is no user 'nobody-here'."),
        ({"member": "a@b@c"}, "is not an e-mail address"),
        ({"member": "ivo://localhost/gms?no-such-group"}, "There is no group"),
        ({"member": "durand", "expires": "soon"}, "Write the day as year-month-day"),
        ({"member": "durand", "expires": "2001-01-01"}, "This day is over."),
    ],
)
def test_a_member_that_can_not_be_added_is_said_beside_the_field(
    client: Client, site: WebSite, alice: Person, fields: dict[str, str], sentence: str
) -> None:
    group = site.new_group(alice)
    answer = send(client(alice), f"/groups/show/{group}/members", **fields)

    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    assert f'value="{fields["member"]}"' in answer.text
    assert members(site, group) == []


def test_a_removal_can_be_taken_back_with_the_end_that_it_had(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    browser = client(alice)
    send(browser, f"/groups/show/{group}/members", member=bob.name, expires="2099-05-06")
    before = site.groups.get(group).members
    answer = send(
        browser,
        f"/groups/show/{group}/members/remove",
        member=f"user:{bob.name}",
        expires="2099-05-06T23:59:59+00:00",
    )
    assert members(site, group) == []

    page = browser.get(answer.headers["location"]).text
    undo = re.search(
        r'<form method="post" action="([^"]+)"[^>]*>((?:(?!</form>).)*)Undo', page, re.DOTALL
    )
    assert undo is not None
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', undo[2]))
    browser.post(unescape(undo[1]), data={k: unescape(v) for k, v in fields.items()})

    assert site.groups.get(group).members == before


def test_a_pasted_list_is_answered_line_by_line(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    site.groups.add_member(group, bob.name, expires=None, by=OPERATOR)
    lines = f"{alice.name}\n\n{bob.name}\nno-one\nann@example.org\n{alice.name}\n<b>x</b>\n"
    answer = send(client(alice), f"/groups/show/{group}/bulk", lines=lines)

    text = unescape(answer.text)
    assert answer.status_code == 200
    assert "2 members added" in text
    assert text.count("a member already") == 2
    assert "there is no user 'no-one'" in text
    assert "<b>x</b>" not in answer.text
    assert sorted(members(site, group)) == sorted([alice.name, "ann@example.org", bob.name])


def test_the_end_of_a_membership_is_set_and_taken_away(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    site.groups.add_member(group, bob.name, expires=None, by=OPERATOR)
    browser = client(alice)
    path = f"/groups/show/{group}/members/expiry"
    send(browser, path, member=f"user:{bob.name}", expires="2099-12-31")
    (member,) = site.groups.get(group).members
    assert f"{member.expires:%Y-%m-%d %H:%M:%S}" == "2099-12-31 23:59:59"

    send(browser, path, member=f"user:{bob.name}", expires="")
    (member,) = site.groups.get(group).members
    assert member.expires is None


def test_an_administrator_changes_members_but_does_not_delete_the_group(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    send(client(alice), f"/groups/show/{group}/admins", member="", admin=bob.name)
    theirs = client(bob)

    assert group in theirs.get("/groups/administered").text
    assert send(theirs, f"/groups/show/{group}/members", member=bob.name).status_code == 303
    assert theirs.get(f"/groups/show/{group}/delete").status_code == 403
    assert send(theirs, f"/groups/show/{group}/delete", confirm=group).status_code == 403
    assert site.groups.get(group).owner == alice.name


def test_a_stranger_neither_sees_nor_changes_a_group(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    stranger = client(bob)

    for page in ("", "/edit", "/use", "/history", "/bulk", "/delete"):
        assert stranger.get(f"/groups/show/{group}{page}").status_code == 403, page
    for deed, fields in {
        "members": {"member": bob.name},
        "members/remove": {"member": "user:x"},
        "members/expiry": {"member": f"user:{bob.name}", "expires": "2099-01-01"},
        "admins": {"admin": bob.name},
        "admins/remove": {"admin": "user:x"},
        "bulk": {"lines": bob.name},
        "edit": {"description": "mine now", "public": "yes"},
        "invitations": {"days": "3"},
        "delete": {"confirm": group},
    }.items():
        assert send(stranger, f"/groups/show/{group}/{deed}", **fields).status_code == 403, deed
    assert group not in stranger.get("/groups/find").text
    assert members(site, group) == []


def test_a_group_that_is_open_to_all_or_to_a_group_is_seen_by_them(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group, readers = site.new_group(alice), site.new_group(alice, "readers")
    owner, other = client(alice), client(bob)
    path = f"/groups/show/{group}"

    send(owner, f"{path}/edit", description="Open", public="yes")
    assert other.get(path).status_code == 200
    assert group in other.get("/groups/find?text=OPEN").text
    assert "Remove" not in other.get(path).text

    send(owner, f"{path}/edit", description="Open", readers=readers)
    assert other.get(path).status_code == 403
    site.groups.add_member(readers, bob.name, expires=None, by=OPERATOR)
    assert other.get(path).status_code == 200
    assert group in other.get("/groups/find").text
    assert f"ivo://localhost/gms?{readers}" in owner.get(f"{path}/edit").text


def test_a_reading_group_that_does_not_exist_is_refused(
    client: Client, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    answer = send(client(alice), f"/groups/show/{group}/edit", readers="no-such-one")

    assert answer.status_code == 422
    assert "There is no group" in answer.text
    assert "no-such-one</textarea>" in answer.text


def test_a_group_is_deleted_by_typing_its_name(
    client: Client, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    browser = client(alice)
    wrong = send(browser, f"/groups/show/{group}/delete", confirm="something else")
    assert wrong.status_code == 422
    assert site.groups.get(group).name == group

    right = send(browser, f"/groups/show/{group}/delete", confirm=group)
    assert right.headers["location"] == "/groups"
    assert browser.get(f"/groups/show/{group}").status_code == 404


def test_an_invitation_makes_a_member_of_one_person_once(
    client: Client, site: WebSite, alice: Person, bob: Person, boss: Person
) -> None:
    """Contract 5 row 87: a link makes one member, once."""
    group = site.new_group(alice)
    owner = client(alice)
    page = send(owner, f"/groups/show/{group}/invitations", email="bob@example.org", days="3")
    link = re.search(r"http://127\.0\.0\.1:\d+(/groups/join/[\w-]+)", page.text)
    assert link is not None
    assert "bob@example.org" in owner.get(f"/groups/show/{group}").text

    guest = client(bob)
    question = guest.get(link[1])
    assert group in question.text
    assert alice.name in question.text
    answer = send(guest, link[1], page=link[1], accept="yes")

    assert answer.headers["location"] == f"/groups/show/{group}"
    assert members(site, group) == [bob.name]
    assert guest.get(f"/groups/show/{group}").status_code == 200
    again = client(boss).get(link[1])
    assert again.status_code == 400
    assert "was used, withdrawn, or is over" in again.text


def test_an_invitation_ends_with_the_rights_of_its_maker(
    client: Client, site: WebSite, alice: Person, bob: Person, boss: Person
) -> None:
    group = site.new_group(alice)
    site.groups.add_admin(group, boss.name, by=OPERATOR)
    admin = client(bob)
    site.groups.add_admin(group, bob.name, by=OPERATOR)
    page = send(admin, f"/groups/show/{group}/invitations", days="3", role="admin")
    link = re.search(r"/groups/join/[\w-]+", page.text)
    assert link is not None
    site.groups.remove_admin(group, bob.name, by=OPERATOR)

    newcomer = client(site.new_person("new"))
    answer = send(newcomer, link[0], accept="yes")

    assert answer.status_code == 400
    assert members(site, group) == []


def test_an_invitation_is_withdrawn_or_declined(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    owner, guest = client(alice), client(bob)
    path = f"/groups/show/{group}/invitations"
    links = [
        re.findall(r"/groups/join/[\w-]+", send(owner, path, days="3").text)[0]
        for _ in range(2)
    ]
    assert send(guest, links[0], decline="yes").headers["location"] == "/groups"
    number = re.search(
        r'name="invitation" value="(\d+)"', owner.get(f"/groups/show/{group}").text
    )
    assert number is not None
    send(owner, f"{path}/withdraw", invitation=number[1])

    assert [guest.get(link).status_code for link in links] == [400, 400]
    assert members(site, group) == []


@pytest.mark.parametrize("days", ["0", "91", "x", "-1", "1e3"])
def test_an_invitation_has_a_reasonable_life(
    client: Client, site: WebSite, alice: Person, days: str
) -> None:
    group = site.new_group(alice)
    answer = send(client(alice), f"/groups/show/{group}/invitations", days=days)

    assert answer.status_code == 422
    assert 'id="days-wrong"' in answer.text


def test_where_a_group_is_used_is_shown_to_who_may_see_the_folder(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    site.allocate(alice.name, alice)
    group = site.new_group(bob)
    site.grant(alice.name, group)
    page = client(bob).get(f"/groups/show/{group}/use").text

    assert f"/{alice.name}" in page
    assert "read" in page


def test_what_lies_in_the_trash_uses_no_group_until_it_is_put_back(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    site.allocate(alice.name, alice)
    group = site.new_group(bob)
    headers = {"Authorization": f"Bearer {site.new_token(alice)}"}
    with httpx.Client(base_url=site.url, headers=headers) as owner:
        details = f"/api/v1/details/{alice.name}/d"
        owner.put(details, json={"type": "container"})
        owner.put(f"{details}/below", json={"type": "container"})
        site.grant(f"{alice.name}/d/below", group)
        use = f"/groups/show/{group}/use"
        assert "One more that you may not see." in client(bob).get(use).text
        receipt = owner.delete(details).json()
        assert "No folder or file mentions this group" in client(bob).get(use).text
        assert owner.post("/api/v1/trash", json={"id": receipt["id"]}).status_code == 200

    assert "One more that you may not see." in client(bob).get(use).text


def test_the_history_says_who_did_what(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    browser = client(alice)
    send(browser, f"/groups/show/{group}/members", member=bob.name, expires="2099-01-01")
    send(browser, f"/groups/show/{group}/members/remove", member=f"user:{bob.name}")
    page = browser.get(f"/groups/show/{group}/history").text

    assert page.index("removed") < page.index("added")
    assert f"<strong>{bob.name}</strong>" in page
    assert "until 2099-01-01" in page


def test_groups_need_a_login_and_come_back_to_the_same_page(
    client: Client, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    answer = client().get(f"/groups/show/{group}/history")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next=%2Fgroups%2Fshow%2F{group}%2Fhistory"


def test_a_form_after_the_end_of_the_session_leads_back_to_its_page(
    client: Client, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    browser = client(alice)
    page = f"/groups/show/{group}"
    token = csrf_token(browser.get(page))
    site.sessions.end_all(alice.user_id, by=OPERATOR)
    answer = browser.post(
        f"{page}/members/remove",
        data={"csrf_token": token, "member": "x"},
        headers={"Referer": f"{site.url}{page}"},
    )

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next=%2Fgroups%2Fshow%2F{group}"


def test_the_api_finds_groups_with_the_own_ones_first(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    text = f"find-{alice.name}"
    other, mine = site.new_group(bob, f"a-{text}"), site.new_group(alice, f"b-{text}")
    site.groups.add_member(other, alice.name, expires=None, by=OPERATOR)
    found = client(alice).get(f"/api/v1/groups?text={text}").json()

    assert [group["name"] for group in found["groups"]] == [mine, other]
    inside = client(alice).get(f"/api/v1/groups/members?group=ivo://localhost/gms?{other}")
    assert inside.json()["members"] == [{"kind": "user", "value": alice.name, "expires": None}]
    assert client(bob).get(f"/api/v1/groups/members?group={mine}").status_code == 403
