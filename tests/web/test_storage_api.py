"""The JSON behind the storage browser asks for the same permissions as every other door."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, open_space
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope

pytestmark = pytest.mark.web


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's with a folder, a file and something in the trash."""
    with open_space(site, alice) as opened:
        opened.folder("data")
        opened.put("data/a.txt")
        yield opened


@pytest.fixture
def stranger(site: WebSite, bob: Person) -> Iterator[httpx.Client]:
    """A program of somebody who has been given nothing."""
    headers = {"Authorization": f"Bearer {site.new_token(bob)}"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def nobody(site: WebSite) -> Iterator[httpx.Client]:
    """A program that has not said whose it is."""
    with httpx.Client(base_url=site.url, timeout=30) as client:
        yield client


def statuses(client: httpx.Client, space: Space, kept_id: object) -> dict[str, int]:
    """What each operation on Alice's things is answered with."""
    folder, file = space.quoted("data"), space.quoted("data/a.txt")
    make = {"type": "container"}
    return {
        "folder": client.get(f"/api/v1/folder{folder}").status_code,
        "details": client.get(f"/api/v1/details{file}").status_code,
        "create": client.put(f"/api/v1/details{folder}/new", json=make).status_code,
        "discard": client.delete(f"/api/v1/details{file}").status_code,
        "access": client.get(f"/api/v1/access{file}").status_code,
        "access of others": client.get(f"/api/v1/access{file}?user=").status_code,
        "restore": client.post("/api/v1/trash", json={"id": kept_id}).status_code,
        "purge": client.post("/api/v1/trash", json={"id": kept_id, "purge": True}).status_code,
    }


def test_strangers_and_people_who_are_not_logged_in_are_refused(
    space: Space, stranger: httpx.Client, nobody: httpx.Client
) -> None:
    space.put("gone")
    kept = space.client.delete(f"/api/v1/details{space.quoted('gone')}").json()["id"]

    assert set(statuses(stranger, space, kept).values()) == {403}
    assert set(statuses(nobody, space, kept).values()) == {401}
    assert nobody.get("/api/v1/trash").status_code == 401
    assert stranger.get("/api/v1/trash").json() == {"kept": []}
    assert space.exists("data/a.txt")


def test_readers_look_and_change_nothing(space: Space, stranger: httpx.Client) -> None:
    space.put("gone")
    kept = space.client.delete(f"/api/v1/details{space.quoted('gone')}").json()["id"]
    for name in ("", "data", "data/a.txt"):
        space.change(name, public=True)

    answers = statuses(stranger, space, kept)

    allowed = {name for name, status in answers.items() if status == 200}
    assert allowed == {"folder", "details", "access"}
    assert {answers[name] for name in answers if name not in allowed} == {403}


def test_a_token_for_reading_deletes_nothing(
    site: WebSite, alice: Person, space: Space
) -> None:
    space.put("gone")
    kept = space.client.delete(f"/api/v1/details{space.quoted('gone')}").json()["id"]
    token = site.accounts.make_token(
        alice.name,
        scope=TokenScope.READ,
        lifetime=timedelta(hours=1),
        label="reading",
        by=OPERATOR,
    )
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=30) as client:
        answers = statuses(client, space, kept)

    changing = ("create", "discard", "restore", "purge", "access of others")
    assert {answers[name] for name in changing} == {403}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"type": "data"}, "the type is container or link"),
        ({"type": "link"}, "a link begins with one of"),
        ({"type": "link", "target": "javascript://x/%0ahacked()"}, "a link begins with"),
        ({"type": "link", "target": "vos://localhost~vault/nothing/here"}, "nothing"),
        ({"type": 1}, "type"),
        ([], "not a JSON object"),
    ],
)
def test_what_can_not_be_made_is_said(space: Space, document: object, said: str) -> None:
    answer = space.client.put(f"/api/v1/details{space.quoted('new')}", json=document)

    assert 400 <= answer.status_code < 500
    assert said in answer.text
    assert not space.exists("new")


def test_what_is_deleted_is_listed_and_comes_back_once(space: Space) -> None:
    deleted = space.client.delete(f"/api/v1/details{space.quoted('data')}").json()
    listed = space.client.get("/api/v1/trash").json()["kept"]

    back = space.client.post("/api/v1/trash", json={"id": deleted["id"]})
    again = space.client.post("/api/v1/trash", json={"id": deleted["id"]})

    assert listed == [deleted]
    assert (deleted["name"], deleted["files"]) == ("data", 1)
    assert back.json()["path"] == space.path("data")
    assert again.status_code == 404
    assert space.exists("data/a.txt")


def test_a_folder_tells_how_much_room_there_is(space: Space) -> None:
    found = space.client.get(f"/api/v1/folder{space.quoted('data')}").json()

    assert found["count"] == 1
    assert found["quota"]["allocation"] == space.path()
    assert found["quota"]["quota"] == 1 << 30
    assert found["quota"]["warning"] is None
    assert space.client.get(f"/api/v1/folder{space.quoted('data/a.txt')}").status_code == 400
