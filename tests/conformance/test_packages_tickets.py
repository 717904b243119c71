"""Archives at pre-authorised addresses: whoever has one may fetch it, for some time."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.conformance.packages import ZIP, in_tar, in_zip, package_document
from tests.conformance.trees import Tree
from tests.server_faults.aftermath import database_url
from tests.support.space import Space, add_user
from tests.vospace_server.http.documents import CORE, endpoints_of, transfer, uri
from vospace_server.database.engine import Database
from vospace_server.services.tickets import TicketService

ANONYMOUS = '<vos:securityMethod uri="ivo://ivoa.net/sso#anon"/>'
CERTIFICATE = '<vos:securityMethod uri="ivo://ivoa.net/sso#tls-with-certificate"/>'
REFUSED = (403, "PermissionDenied")


@pytest.fixture
def tree(owner: httpx.Client, folder: str) -> Tree:
    """A folder with two branches."""
    made = Tree(owner, folder)
    for name in ("hst", "notes"):
        made.folder(name)
    made.file("hst/o4sp040b0_raw.fits", b"SIMPLE" * 1000)
    made.file("notes/a.txt", b"text")
    return made


@pytest.fixture
def keys(shared_space: Space) -> Iterator[TicketService]:
    """The server's own keys; what is signed with them has expired already."""
    with closing(Database(database_url(shared_space))) as database:
        yield TicketService(database=database, lifetime=timedelta(seconds=-1))


def pull(tree: Tree, name: str, *methods: str) -> str:
    """The transfer of a container as a tar archive."""
    path, view = tree.path(name), f"{CORE}tar"
    document = transfer(path, "pullFromVoSpace", protocols=("httpget",), view=view)
    protocol = f'<vos:protocol uri="{CORE}httpget"'
    return document.replace(f"{protocol}/>", f"{protocol}>{''.join(methods)}</vos:protocol>")


def negotiated(client: httpx.Client, document: str) -> tuple[str, str]:
    """The endpoint of a transfer, and the address of its job."""
    posted = client.post("/vault/synctrans", content=document)
    details = posted.headers["location"]
    (endpoint,) = endpoints_of(client.get(details).text)
    return endpoint, details.removesuffix("/results/transferDetails")


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.partition(":")[0]


@pytest.mark.parametrize(
    "foreign",
    [{}, {"Authorization": "Bearer other"}, {"Authorization": "nonsense"}],
    ids=["none", "bearer", "nonsense"],
)
def test_an_archive_is_fetched_without_credentials(tree: Tree, foreign: dict[str, str]) -> None:
    """Contract 5 row 43: an archive has a pre-authorised URL, with foreign credentials too."""
    endpoint, _ = negotiated(tree.client, pull(tree, "hst"))

    head = httpx.head(endpoint, headers=foreign)
    answer = httpx.get(endpoint, headers=foreign)

    assert "/vault/data/" in endpoint
    assert endpoint.endswith("/hst.tar")
    assert in_tar(answer.content) == {
        "hst": "/",
        "hst/o4sp040b0_raw.fits": b"SIMPLE" * 1000,
    }
    for each in (head, answer):
        assert each.status_code == 200
        assert each.headers["content-length"] == str(len(answer.content))
        assert each.headers["content-type"] == "application/x-tar"
        assert each.headers["content-disposition"] == 'attachment; filename="hst.tar"'
    assert httpx.get(endpoint).content == answer.content


@pytest.mark.parametrize("door", ["synctrans", "transfers"])
def test_several_targets_are_fetched_without_credentials(tree: Tree, door: str) -> None:
    """Contract 1.7: CADC's package of several targets has a pre-authorised URL as well."""
    document = package_document([tree.path("hst"), tree.path("notes")], ZIP)
    if door == "synctrans":
        endpoint, _ = negotiated(tree.client, document)
    else:
        made = tree.client.post("/vault/transfers", content=document, params={"PHASE": "RUN"})
        job, phase = made.headers["location"], "QUEUED"
        while phase in {"QUEUED", "EXECUTING"}:
            tree.client.get(job, params={"WAIT": 20, "PHASE": phase})
            phase = tree.client.get(f"{job}/phase").text
        (endpoint,) = endpoints_of(tree.client.get(f"{job}/results/transferDetails").text)

    assert endpoint.endswith("/vospace.zip")
    found = in_zip(httpx.get(endpoint).content)
    assert (found["hst/o4sp040b0_raw.fits"], found["notes/a.txt"]) == (
        b"SIMPLE" * 1000,
        b"text",
    )


def test_parameters_redirect_to_the_archive(tree: Tree) -> None:
    """Contract 1.6: with REQUEST=redirect, a container as an archive needs no credentials."""
    query = {
        "TARGET": uri(tree.path("hst")),
        "DIRECTION": "pullFromVoSpace",
        "PROTOCOL": f"{CORE}httpget",
        "VIEW": f"{CORE}zip",
        "REQUEST": "redirect",
    }
    answer = tree.client.get("/vault/synctrans", params=query)
    shown = tree.client.get(
        "/vault/synctrans",
        params={**query, "SECURITYMETHOD": "ivo://ivoa.net/sso#tls-with-certificate"},
    )

    assert answer.status_code == shown.status_code == 303
    assert "hst" in in_zip(httpx.get(answer.headers["location"]).content)
    assert httpx.get(shown.headers["location"]).status_code == 401
    assert "hst" in in_zip(tree.client.get(shown.headers["location"]).content)


def test_who_asks_with_a_security_method_shows_credentials(tree: Tree) -> None:
    """Contract 1.6: a security method in the request means an endpoint that asks for it."""
    endpoint, job = negotiated(tree.client, pull(tree, "hst", CERTIFICATE))
    either, _ = negotiated(tree.client, pull(tree, "hst", CERTIFICATE, ANONYMOUS))

    assert endpoint.partition("/pkg/")[2] == f"{job.rpartition('/')[2]}/run"
    assert httpx.get(endpoint).status_code == 401
    assert "hst" in in_tar(tree.client.get(endpoint).content)
    assert "hst" in in_tar(httpx.get(either).content)


def test_the_address_of_an_archive_is_for_reading(tree: Tree) -> None:
    """Contract 5 row 43: the address of an archive is bound to GET."""
    endpoint, _ = negotiated(tree.client, pull(tree, "hst"))

    assert refusal(httpx.put(endpoint, content=b"x")) == REFUSED
    assert refusal(httpx.post(endpoint, headers={"x-put-txn-op": "abort"})) == REFUSED
    assert httpx.delete(endpoint).status_code == 405
    signed = endpoint.replace("/data/", "/unpack/")
    assert refusal(httpx.put(signed, content=b"x")) == REFUSED
    assert "hst" in in_tar(httpx.get(endpoint).content)


def test_the_address_of_an_archive_ends_with_its_job(tree: Tree) -> None:
    """Contract 5 row 43: the address of an archive is bound to its job."""
    endpoint, job = negotiated(tree.client, pull(tree, "hst"))
    other, _ = negotiated(tree.client, pull(tree, "notes"))
    assert tree.client.delete(job).status_code == 303

    assert tree.client.get(job).status_code == 404
    assert refusal(httpx.get(endpoint)) == refusal(httpx.get(f"{endpoint}x")) == REFUSED
    assert httpx.head(endpoint).status_code == 403
    assert "notes" in in_tar(httpx.get(other).content)


def test_the_address_of_an_archive_expires(tree: Tree, keys: TicketService) -> None:
    """Contract 5 row 43: the address of an archive is short-lived."""
    endpoint, _ = negotiated(tree.client, pull(tree, "hst"))
    base, _, rest = endpoint.partition("/data/")
    ticket = replace(keys.open(rest.partition("/")[0]), expires=keys.expiry())
    answer = httpx.get(f"{base}/data/{keys.sign(ticket)}/hst.tar")

    assert refusal(answer) == REFUSED
    assert "expired at 20" in answer.text


def test_an_archive_holds_what_its_owner_may_read_when_it_is_fetched(
    tree: Tree, shared_space: Space, member: httpx.Client
) -> None:
    """Contract 5 row 43: an address hands out no more than its owner may read by then."""
    group = shared_space.group_uri
    for name in ("hst", "notes"):
        tree.share(name, group)
    tree.share("notes/a.txt", group, "DataNode")
    tree.set("", "ContainerNode", {f"{CORE}groupread": group})
    tree.client.patch("/api/v1/nodes/durand", json={"public": True}).raise_for_status()
    try:
        document = package_document([tree.path("hst"), tree.path("notes")])
        endpoint, _ = negotiated(member, document)
        before = in_tar(httpx.get(endpoint).content)
        tree.set("notes", "ContainerNode", {f"{CORE}groupwrite": ""})
        after = in_tar(httpx.get(endpoint).content)
    finally:
        tree.client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()

    assert before == {"hst": "/", "notes": "/", "notes/a.txt": b"text"}
    assert after == {"hst": "/"}


def test_an_archive_holds_no_more_than_the_credential_reached(
    tree: Tree, shared_space: Space
) -> None:
    """Contract 5 row 43: an address is limited to the paths of the token that asked for it."""
    scope = f"read:/{tree.path('hst')}"
    printed = shared_space.server.administer("user", "token", "durand", "--scope", scope)
    limited = replace(shared_space.owner, token=printed.splitlines()[-1])
    document = package_document([tree.path("hst"), tree.path("notes")])
    whole, job = negotiated(tree.client, document)
    with shared_space.client(limited) as client:
        own, _ = negotiated(client, document)
        details = client.get(f"{job}/results/transferDetails").text

    assert {"hst", "notes"} <= in_tar(httpx.get(whole).content).keys()
    for endpoint in (own, *endpoints_of(details)):
        found = in_tar(httpx.get(endpoint).content)
        assert found.keys() == {"hst", "hst/o4sp040b0_raw.fits"}


def test_an_account_that_was_disabled_gives_no_archive(tree: Tree, shared_space: Space) -> None:
    """Contract 5 row 43: a disabled account's addresses of archives are refused."""
    server = shared_space.server
    user = add_user(server, f"leaver{tree.root[-6:]}")
    with shared_space.client(user) as client:
        endpoint, _ = negotiated(client, package_document([tree.path("hst")]))
        assert httpx.get(endpoint).status_code == 200
        server.administer("user", "disable", user.name)

        assert refusal(httpx.get(endpoint)) == REFUSED


def test_no_address_of_an_archive_is_written_to_the_log(
    tree: Tree, shared_space: Space
) -> None:
    """Contract 5 row 43: the log names no ticket, of an archive to be unpacked either."""
    endpoint, _ = negotiated(tree.client, pull(tree, "hst"))
    httpx.get(endpoint).raise_for_status()
    view = f"{CORE}tar"
    push = transfer(tree.path("hst"), "pushToVoSpace", protocols=("httpput",), view=view)
    to_unpack, _ = negotiated(tree.client, push)
    httpx.put(to_unpack, content=b"x")

    for url, door in ((endpoint, "data"), (to_unpack, "unpack")):
        signed = url.partition(f"/{door}/")[2].partition("/")[0]
        assert f"path=/vault/{door}/(ticket)/hst" in shared_space.server.log
        assert signed.partition(".")[2] not in shared_space.server.log
