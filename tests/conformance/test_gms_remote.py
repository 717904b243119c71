"""ACLs that name groups of another authority, which a second real server answers for."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.conformance.packages import TAR, in_tar, package_document
from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.documents import (
    children_of,
    container,
    data,
    endpoints_of,
    link,
    move,
    transfer,
    uri,
)
from tests.vospace_server.http.people import People, make_people
from vospace_server.auth.passwords import Passwords
from vospace_server.config import GroupsSection, ServerConfig, ServiceSection
from vospace_server.database.engine import Database
from vospace_server.domain.access_token import token_digest
from vospace_server.domain.account import Token
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService

GROUP = "ivo://other.org/gms?readers"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running server and its people."""

    server: ServerThread
    people: People
    config: ServerConfig

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def client(self, token: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def questions(self) -> dict[str, int]:
        """How often it has asked the other one, by outcome."""
        text = httpx.get(f"{self.url}/metrics").text
        found = re.findall(
            r'vospace_group_service_questions_total\{outcome="(\w+)",[^}]*\} ([0-9.]+)', text
        )
        return {outcome: int(float(number)) for outcome, number in found}


@contextmanager
def running(folder: Path, config: ServerConfig) -> Iterator[Service]:
    folder.mkdir()
    people = make_people(config)
    server = ServerThread(config)
    server.start()
    try:
        yield Service(server=server, people=people, config=config)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The group service of other.org, in whose group `readers` bob is, and alice is not."""
    folder = tmp_path_factory.mktemp("other") / "data"
    config = ServerConfig(data_dir=folder, service=ServiceSection(authority="other.org"))
    with running(folder, config) as service:
        yield service


StartHere = Callable[..., Service]


@pytest.fixture(scope="module")
def start_here(other: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartHere]:
    """Starts a server that asks the other one about its groups."""
    with ExitStack() as stack:

        def start(**settings: object) -> Service:
            chosen: dict[str, object] = {
                "remote": (f"ivo://other.org/gms {other.url}/gms/capabilities",),
                "credential": "service",
                "token": other.people.admin,
                "kept_seconds": 0.0,
            }
            folder = tmp_path_factory.mktemp("here") / "data"
            groups = GroupsSection(**chosen | settings)  # type: ignore[arg-type]
            config = ServerConfig(data_dir=folder, groups=groups)
            return stack.enter_context(running(folder, config))

        yield start


@pytest.fixture(scope="module")
def here(start_here: StartHere) -> Service:
    """Asks anew for each decision, with a token that the other service trusts."""
    return start_here()


@pytest.fixture(scope="module")
def alice(here: Service) -> Iterator[httpx.Client]:
    with closing(here.client(here.people.alice)) as client:
        client.post(
            "/vault/nodes/alice", content=container("alice", ispublic="true")
        ).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def bob(here: Service) -> Iterator[httpx.Client]:
    with closing(here.client(here.people.bob)) as client:
        yield client


@pytest.fixture
def shared(alice: httpx.Client) -> str:
    """A container of alice's that the group of the other service may write; with `f` in it."""
    path = f"alice/{secrets.token_hex(5)}"
    alice.put(f"/vault/nodes/{path}", content=container(path, groupwrite=GROUP))
    alice.put(f"/vault/nodes/{path}/f", content=data(f"{path}/f", groupwrite=GROUP))
    alice.put(f"/vault/files/{path}/f", content=b"bytes").raise_for_status()
    return path


DOORS: dict[str, Callable[[httpx.Client, str], httpx.Response]] = {
    "files": lambda client, path: client.get(f"/vault/files/{path}/f", follow_redirects=True),
    "api": lambda client, path: client.get(f"/api/v1/nodes/{path}/f"),
    "node": lambda client, path: client.get(f"/vault/nodes/{path}/f"),
    "set": lambda client, path: client.post(
        f"/vault/nodes/{path}/f", content=data(f"{path}/f", title="t")
    ),
    "create": lambda client, path: client.put(
        f"/vault/nodes/{path}/new", content=data(f"{path}/new")
    ),
    "upload": lambda client, path: client.put(f"/vault/files/{path}/g", content=b"x"),
    "pull": lambda client, path: client.get(
        "/vault/synctrans",
        params={
            "TARGET": uri(f"{path}/f"),
            "DIRECTION": "pullFromVoSpace",
            "PROTOCOL": "ivo://ivoa.net/vospace/core#httpget",
            "REQUEST": "redirect",
        },
        follow_redirects=True,
    ),
    "rename": lambda client, path: client.post(
        "/api/v1/move", json={"source": f"/{path}/f", "destination": f"/{path}/h"}
    ),
    "delete": lambda client, path: client.delete(f"/vault/nodes/{path}/f"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_member_there_may_do_here_what_the_acl_says(
    bob: httpx.Client, shared: str, door: str
) -> None:
    """Contract 5 row 84: our server asks another group service, at every door."""
    answer = DOORS[door](bob, shared)

    assert answer.status_code in {200, 201}, answer.text


def test_a_stranger_there_is_a_stranger_here(
    other: Service, bob: httpx.Client, shared: str
) -> None:
    """Contract 3.1: whose membership has ended there is refused from the next question on."""
    member = "/gms/groups/readers/userMembers/bob"
    with closing(other.client(other.people.alice)) as owner_there:
        owner_there.delete(member).raise_for_status()
        try:
            assert DOORS["files"](bob, shared).status_code == 403
        finally:
            owner_there.put(member).raise_for_status()


def test_a_container_is_listed_and_its_entries_are_judged(
    alice: httpx.Client, bob: httpx.Client, shared: str
) -> None:
    """Contract 1.4: readable and writable of each entry count memberships elsewhere."""
    alice.put(f"/vault/nodes/{shared}/own", content=data(f"{shared}/own")).raise_for_status()

    text = bob.get(f"/vault/nodes/{shared}?detail=max").text

    assert children_of(text) == ["f", "own"]
    readable = re.findall(r'core#readable"[^>]*>(\w+)<', text)
    assert readable == ["true", "true", "false"]


def test_links_lead_to_nodes_whose_groups_are_asked_for(
    alice: httpx.Client, bob: httpx.Client, shared: str
) -> None:
    """Contract 1.4: what stands behind a link is decided by its own ACL."""
    path = f"alice/{secrets.token_hex(5)}"
    alice.put(f"/vault/nodes/{path}", content=link(path, uri(shared))).raise_for_status()

    # A link itself is private to alice; following it needs to read it.
    assert bob.get(f"/vault/nodes/{path}/f").status_code == 403
    alice.put(
        f"/vault/nodes/{path}1",
        content=link(f"{path}1", uri(shared)).replace(
            "<vos:properties></vos:properties>",
            '<vos:properties><vos:property uri="ivo://ivoa.net/vospace/core#groupread">'
            f"{GROUP}</vos:property></vos:properties>",
        ),
    ).raise_for_status()
    answer = bob.get(f"/vault/files/{path}1/f", follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, b"bytes")


def test_transfers_and_moves_by_jobs_ask_as_well(
    bob: httpx.Client, alice: httpx.Client, shared: str
) -> None:
    """Contract 1.6: also a job that runs later counts memberships elsewhere."""
    document = transfer(f"{shared}/f", "pushToVoSpace", protocols=("httpput",))
    answer = bob.post("/vault/synctrans", content=document, follow_redirects=True)
    [endpoint, *_] = endpoints_of(answer.text)
    assert bob.put(endpoint, content=b"other").status_code in {200, 201}

    job = bob.post("/vault/transfers", content=move(f"{shared}/f", f"{shared}/moved"))

    assert ran(bob, job) == "COMPLETED"
    assert alice.get(f"/vault/nodes/{shared}/moved").status_code == 200


def ran(client: httpx.Client, job: httpx.Response) -> str:
    """The phase in which a job ends."""
    location = job.headers["location"]
    client.post(f"{location}/phase", data={"PHASE": "RUN"})
    phase = "PENDING"
    while phase in {"PENDING", "QUEUED", "EXECUTING"}:
        # Returns as soon as the job is in another phase.
        client.get(f"{location}?WAIT=20&PHASE={phase}").raise_for_status()
        phase = client.get(f"{location}/phase").text
    return phase


def test_work_on_whole_trees_asks_as_well(bob: httpx.Client, shared: str) -> None:
    """Contract 1.7: packages, copies, and recursive changes and deletions of members there."""
    package = bob.post(
        "/vault/pkg", content=package_document([shared], TAR), follow_redirects=True
    )
    copy = move(f"{shared}/f", f"{shared}/g").replace("false</vos:keep", "true</vos:keep")
    changes = container(shared, title="t")

    assert in_tar(package.content)[f"{shared.rpartition('/')[2]}/f"] == b"bytes"
    assert ran(bob, bob.post("/vault/transfers", content=copy)) == "COMPLETED"
    assert bob.get(f"/vault/nodes/{shared}/g").status_code == 200
    assert ran(bob, bob.post("/vault/async-setprops", content=changes)) == "COMPLETED"
    form = {"target": uri(f"{shared}/f")}
    assert ran(bob, bob.post("/vault/async-delete", data=form)) == "COMPLETED"
    assert bob.get(f"/vault/nodes/{shared}/f").status_code == 404


def test_uploads_in_several_requests_ask_as_well(bob: httpx.Client, shared: str) -> None:
    """Contract 2.5: each request of a put transaction is authorised anew."""
    address = f"/vault/files/{shared}/f"
    begun = bob.put(
        address,
        headers={"x-put-txn-op": "start", "x-total-length": "5", "content-length": "0"},
    )
    assert begun.status_code == 202
    identity = {"x-put-txn-id": begun.headers["x-put-txn-id"]}
    bob.put(address, headers=identity, content=b"12345").raise_for_status()
    committed = bob.put(
        address, headers={**identity, "x-put-txn-op": "commit", "content-length": "0"}
    )
    assert committed.status_code in {200, 201}
    assert bob.get(address, follow_redirects=True).content == b"12345"


def test_nobody_is_asked_where_no_acl_needs_it(here: Service, alice: httpx.Client) -> None:
    """GMS 1.0 use: not for the owner, not for nodes that name no group of that service."""
    before = here.questions()
    path = f"alice/{secrets.token_hex(5)}"
    alice.put(f"/vault/nodes/{path}", content=container(path, groupread=GROUP))
    ours = f"alice/{secrets.token_hex(5)}"
    alice.put(
        f"/vault/nodes/{ours}", content=container(ours, groupread="ivo://localhost/gms?readers")
    )

    assert alice.get(f"/vault/nodes/{path}").status_code == 200
    with closing(here.client(here.people.bob)) as bob:
        assert bob.get(f"/vault/nodes/{ours}?detail=max").status_code == 200
    assert httpx.get(f"{here.url}/vault/nodes/{path}").status_code == 200
    assert here.questions() == before


def test_an_answer_is_used_for_a_while(start_here: StartHere, other: Service) -> None:
    """GMS 1.0 caching: many decisions about one caller cost one question."""
    here = start_here(kept_seconds=60.0)
    with closing(here.client(here.people.alice)) as alice:
        alice.post("/vault/nodes/alice", content=container("alice", groupread=GROUP))
        alice.put("/vault/nodes/alice/f", content=data("alice/f", groupread=GROUP))
    with closing(here.client(here.people.bob)) as bob:
        for _ in range(5):
            assert bob.get("/vault/nodes/alice/f").status_code == 200
            assert bob.get("/vault/files/alice/f").status_code == 204

    assert here.questions() == {"answered": 1}


@pytest.mark.logs("nobody counts as a member")
def test_a_service_that_fails_lets_nobody_in(
    start_here: StartHere, caplog: pytest.LogCaptureFixture
) -> None:
    """GMS 1.0 use: fail-closed, quick for the owner, logged once, counted."""
    here = start_here(remote=("ivo://other.org/gms http://127.0.0.1:9/gms/search",))
    with closing(here.client(here.people.alice)) as alice:
        alice.post("/vault/nodes/alice", content=container("alice", groupread=GROUP))
        alice.put("/vault/nodes/alice/f", content=data("alice/f", groupread=GROUP))
        with closing(here.client(here.people.bob)) as bob:
            answers = [bob.get("/vault/nodes/alice/f") for _ in range(3)]
        assert alice.get("/vault/nodes/alice/f").status_code == 200

    assert [answer.status_code for answer in answers] == [403] * 3
    logged = [each for each in caplog.messages if "nobody counts as a member" in each]
    assert len(logged) == 1
    assert here.questions()["failed"] >= 1


def test_the_callers_own_token_may_be_forwarded(start_here: StartHere, other: Service) -> None:
    """SSO 2.0 bearer: a token that both services know, sent to the configured one alone."""
    here = start_here(credential="caller", token=None)
    _make_known(other.config, "bob", here.people.bob)
    _share_a_file(here)

    with closing(here.client(here.people.bob)) as bob:
        assert bob.get("/vault/files/alice/f").status_code == 204


def test_a_credential_that_can_not_ask_opens_nothing(
    start_here: StartHere, other: Service
) -> None:
    """SSO 2.0 bearer: what a token has opened is shut for a password a moment later."""
    here = start_here(credential="caller", token=None, kept_seconds=60.0)
    _make_known(other.config, "bob", here.people.bob)
    _give_password(here.config, "bob", "bob-secret-1")
    _share_a_file(here)

    with closing(here.client(here.people.bob)) as bob:
        assert bob.get("/vault/files/alice/f").status_code == 204
    with httpx.Client(base_url=here.url, auth=("bob", "bob-secret-1")) as bob:
        assert bob.get("/gms/search").status_code == 200
        assert bob.get("/vault/files/alice/f").status_code == 403


def _give_password(config: ServerConfig, name: str, password: str) -> None:
    database = Database(config.database_url)
    accounts = AccountService(
        database=database, hash_password=Passwords(concurrent_checks=1).hash
    )
    accounts.set_password(name, password, by=OPERATOR)
    database.close()


def test_only_administrators_ask_for_the_groups_of_others(other: Service) -> None:
    """Contract 3.1: nothing but one's own membership; a trusted service may ask for others'."""
    search = "/gms/search?userID=bob"
    with closing(other.client(other.people.admin)) as admin:
        assert admin.get(search).text == "readers\r\n"
        assert admin.get("/gms/search?userID=nobody").status_code == 403
        assert admin.get(f"{search}&idType=X500").status_code == 400
    with closing(other.client(other.people.alice)) as alice:
        assert alice.get(search).status_code == 403
        assert alice.get("/gms/search?userID=alice").text == ""


def _share_a_file(here: Service) -> None:
    """Let the members of the group read alice's file, and nobody else."""
    with closing(here.client(here.people.alice)) as alice:
        alice.post("/vault/nodes/alice", content=container("alice", ispublic="true"))
        private = data("alice/f", groupread=GROUP, ispublic="false")
        alice.put("/vault/nodes/alice/f", content=private).raise_for_status()


def _make_known(config: ServerConfig, name: str, token: str) -> None:
    """Let a token log somebody in, as one of a common issuer would."""
    database = Database(config.database_url)
    with database.write() as unit:
        user = unit.users.by_name(name)
        assert user is not None
        unit.tokens.add(
            Token(
                token_id=0,
                user_id=user.user_id,
                scope=TokenScope.READ,
                label="",
                created=datetime.now(UTC),
                expires=None,
                revoked=False,
                last_used=None,
            ),
            digest=token_digest(token),
        )
    database.close()


def test_a_group_of_theirs_may_be_a_member_of_one_of_ours(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    """Contract 5 row 85: nesting over two services, in ACLs and in our own search."""
    inner, outer = (f"g-{secrets.token_hex(5)}" for _ in range(2))
    for name, member in ((inner, GROUP), (outer, f"ivo://localhost/gms?{inner}")):
        alice.put(
            "/gms/groups",
            content=f"<group uri='ivo://localhost/gms?{name}'><groupMembers>"
            f"<group uri='{member}'/></groupMembers></group>",
        ).raise_for_status()
    path = f"alice/{secrets.token_hex(5)}"
    alice.put(
        f"/vault/nodes/{path}", content=data(path, groupread=f"ivo://localhost/gms?{outer}")
    ).raise_for_status()

    assert bob.get(f"/vault/files/{path}").status_code == 204
    assert {inner, outer} <= set(bob.get("/gms/search").text.split())
    # Asked by another service, ours asks nobody in turn: two could go on for ever.
    alone = bob.get("/gms/search", headers={"max-forwards": "0"})
    assert alone.text.split() == ["readers"]
    alice.delete(
        f"/gms/groups/{inner}/groupMembers/x", params={"groupID2": GROUP}
    ).raise_for_status()
    assert bob.get(f"/vault/files/{path}").status_code == 403


def administered(alice: httpx.Client, *admins: str) -> str:
    """A new group of alice's with these groups as administrators."""
    name = f"g-{secrets.token_hex(5)}"
    lines = "".join(f"<group uri='{admin}'/>" for admin in admins)
    alice.put(
        "/gms/groups",
        content=f"<group uri='ivo://localhost/gms?{name}'><groupAdmins>{lines}</groupAdmins></group>",
    ).raise_for_status()
    return name


DEEDS: dict[str, Callable[[httpx.Client, str], httpx.Response]] = {
    "show": lambda client, name: client.get(f"/gms/groups/{name}"),
    "api": lambda client, name: client.get("/api/v1/groups/members", params={"group": name}),
    "add": lambda client, name: client.put(f"/gms/groups/{name}/userMembers/bob"),
    "remove": lambda client, name: client.delete(f"/gms/groups/{name}/userMembers/alice"),
    "replace": lambda client, name: client.post(
        f"/gms/groups/{name}",
        content=f"<group uri='ivo://localhost/gms?{name}'><groupAdmins><group uri='{GROUP}'/>"
        "</groupAdmins></group>",
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("through", ["directly", "in a group of ours"])
def test_a_member_there_administers_a_group_here(
    alice: httpx.Client, bob: httpx.Client, deed: str, through: str
) -> None:
    """Contract 5 row 85: a group of theirs among the administrators of one of ours."""
    admin = GROUP
    if through == "in a group of ours":
        inner = administered(alice)
        alice.put(f"/gms/groups/{inner}/groupMembers/x", params={"groupID2": GROUP})
        admin = f"ivo://localhost/gms?{inner}"
    name = administered(alice, admin)

    answer = DEEDS[deed](bob, name)

    assert answer.status_code == 200, answer.text


def test_an_administrator_from_there_finds_the_group(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    """Contract 3.2: lists and searches hold what one administers through another service."""
    name = administered(alice, GROUP)

    assert name in bob.get("/gms/groups").text.split()
    assert f"?{name}" in bob.get("/gms/search?role=admin").text
    found = bob.get("/api/v1/groups", params={"text": name}).json()["groups"]
    assert [each["name"] for each in found] == [name]
    # Asked by another service, ours asks nobody in turn.
    alone = bob.get("/gms/search?role=admin", headers={"max-forwards": "0"})
    assert name not in alone.text


def test_an_administrator_from_there_does_not_delete(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    """Contract 3.3: administrators of another service leave deleting to the owner, too."""
    name = administered(alice, GROUP)

    assert bob.delete(f"/gms/groups/{name}").status_code == 403
    assert alice.delete(f"/gms/groups/{name}").status_code == 200


def test_whose_membership_ended_there_administers_nothing_here(
    other: Service, alice: httpx.Client, bob: httpx.Client
) -> None:
    """Contract 3.1: rights to administer end with the membership elsewhere."""
    name = administered(alice, GROUP)
    member = "/gms/groups/readers/userMembers/bob"
    with closing(other.client(other.people.alice)) as owner_there:
        owner_there.delete(member).raise_for_status()
        try:
            assert [DEEDS[deed](bob, name).status_code for deed in DEEDS] == [403] * len(DEEDS)
            assert name not in bob.get("/gms/groups").text.split()
        finally:
            owner_there.put(member).raise_for_status()


@pytest.mark.logs("nobody counts as a member")
def test_a_service_that_fails_lets_nobody_administer(start_here: StartHere) -> None:
    """GMS 1.0 use: fail-closed for administrators too; the owner does not wait for anybody."""
    here = start_here(remote=("ivo://other.org/gms http://127.0.0.1:9/gms/search",))
    with closing(here.client(here.people.alice)) as alice:
        name = administered(alice, GROUP)
        before = here.questions()
        assert DEEDS["add"](alice, name).status_code == 200
        assert here.questions() == before
    with closing(here.client(here.people.bob)) as bob:
        answers = [DEEDS[deed](bob, name).status_code for deed in ("add", "replace", "remove")]
        assert name not in bob.get("/gms/search?role=admin").text

    assert answers == [403] * 3
    assert here.questions()["failed"] >= 1


def test_nobody_is_asked_about_a_group_without_their_groups(
    here: Service, alice: httpx.Client, bob: httpx.Client
) -> None:
    """GMS 1.0 use: a group that names none of that service is decided here."""
    name = administered(alice, "ivo://localhost/gms?readers")
    before = here.questions()

    assert DEEDS["add"](bob, name).status_code == 200
    assert DEEDS["show"](bob, name).status_code == 200
    assert DEEDS["add"](bob, administered(alice)).status_code == 403
    assert here.questions() == before


def test_what_programs_write_into_groups_hinders_no_list(
    alice: httpx.Client, bob: httpx.Client
) -> None:
    """Contract 3.3: a property that reads like the name of a group, and is none."""
    name = administered(alice)
    key = "read-group:no://such thing?"
    changed = alice.post(
        f"/gms/groups/{name}",
        content=f"<group uri='ivo://localhost/gms?{name}'><properties>"
        f"<property key='{key}' type='String' readOnly='false'>true</property>"
        "</properties></group>",
    )
    assert key in changed.text

    assert bob.get("/gms/groups").status_code == 200
    assert bob.get(f"/gms/groups/{name}").status_code == 403
