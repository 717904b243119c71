"""Pre-authorised addresses on a real server: what each may do, for how long, and no more."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.server_faults.aftermath import database_url
from tests.support.space import Space
from tests.vospace_server.http.documents import endpoints_of, transfer
from vospace_server.database.engine import Database
from vospace_server.services.tickets import TicketService


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        yield client


@pytest.fixture
def keys(shared_space: Space) -> Iterator[TicketService]:
    """The server's own keys, in another process; what it signs has expired already."""
    with closing(Database(database_url(shared_space))) as database:
        yield TicketService(database=database, lifetime=timedelta(seconds=-1))


def address(owner: httpx.Client, path: str, direction: str) -> str:
    protocol = "httpput" if direction.startswith("push") else "httpget"
    document = transfer(path, direction, protocols=(protocol,))
    answer = owner.post("/vault/synctrans", content=document, follow_redirects=True)
    return endpoints_of(answer.text)[0]


def reading(owner: httpx.Client, path: str) -> str:
    return address(owner, path, "pullFromVoSpace")


def writing(owner: httpx.Client, path: str) -> str:
    return address(owner, path, "pushToVoSpace")


def put(owner: httpx.Client, path: str, content: bytes) -> None:
    owner.put(f"/vault/files/{path}", content=content).raise_for_status()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.partition(":")[0]


REFUSED = (403, "PermissionDenied")


@pytest.mark.parametrize(
    "foreign",
    [
        {},
        {"Authorization": "Bearer other"},
        {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="},
        {"Authorization": "nonsense"},
        {"X-CADC-DelegationToken": "other"},
        {"Cookie": "CADC_SSO=other"},
    ],
)
def test_credentials_of_others_are_not_looked_at(
    owner: httpx.Client, folder: str, foreign: dict[str, str]
) -> None:
    """Contract 7-13: PUT, HEAD and GET with a foreign Authorization and with none."""
    path = f"{folder}/f"
    url = writing(owner, path)

    assert httpx.head(url, headers=foreign).status_code == 404
    assert httpx.put(url, content=b"bytes", headers=foreign).status_code == 201
    assert httpx.get(reading(owner, path), headers=foreign).content == b"bytes"


def test_an_address_to_write_is_good_for_one_upload(owner: httpx.Client, folder: str) -> None:
    """Contract 7-13: a used address is 403, also after the node was written by another way."""
    path = f"{folder}/f"
    first, second = writing(owner, path), writing(owner, path)
    assert httpx.put(first, content=b"first").status_code == 201
    put(owner, path, b"other")

    assert refusal(httpx.put(first, content=b"replay")) == REFUSED
    assert refusal(httpx.put(first, headers={"x-put-txn-op": "start"})) == REFUSED
    assert httpx.put(second, content=b"second").status_code == 201
    assert httpx.get(reading(owner, path)).content == b"second"


def test_an_address_of_a_transaction_is_used_by_its_commit(
    owner: httpx.Client, folder: str
) -> None:
    """Contract 7-13: an address for an upload in several requests ends with the last one."""
    url = writing(owner, f"{folder}/f")
    begun = httpx.put(url, content=b"bytes", headers={"x-put-txn-op": "start"})
    known = {"x-put-txn-id": begun.headers["x-put-txn-id"]}
    assert httpx.put(url, headers={**known, "x-put-txn-op": "commit"}).status_code == 201

    assert refusal(httpx.put(url, content=b"replay")) == REFUSED
    again = httpx.put(url, content=b"replay", headers={"x-put-txn-op": "start"})
    assert refusal(again) == REFUSED
    assert httpx.get(reading(owner, f"{folder}/f")).content == b"bytes"


def test_an_address_to_read_is_of_one_content(owner: httpx.Client, folder: str) -> None:
    """Contract 5 row 43: after an overwrite, a former address gives the old bytes or none."""
    path = f"{folder}/f"
    put(owner, path, b"old")
    url = reading(owner, path)
    put(owner, path, b"new")
    after = httpx.get(url)
    owner.delete(f"/vault/nodes/{path}").raise_for_status()
    deleted = httpx.get(url)

    for answer in (after, deleted):
        assert (answer.status_code, answer.content) in ((200, b"old"), (404, b""))


def test_an_address_is_of_one_method(owner: httpx.Client, folder: str) -> None:
    """Contract 5 row 43: what is signed for reading does not write, and the reverse."""
    path = f"{folder}/f"
    put(owner, path, b"old")
    to_read, to_write = reading(owner, path), writing(owner, path)

    assert refusal(httpx.put(to_read, content=b"new")) == REFUSED
    assert refusal(httpx.post(to_read, headers={"x-put-txn-op": "abort"})) == REFUSED
    assert refusal(httpx.get(to_write)) == REFUSED
    assert httpx.get(to_write, params={"META": "true"}).status_code == 403
    assert httpx.delete(to_read).status_code == 405
    assert httpx.get(to_read).content == b"old"


def test_an_address_is_of_one_node(owner: httpx.Client, folder: str) -> None:
    """Contract 5 row 43: the name at the end says what to save as, never what to read."""
    put(owner, f"{folder}/f", b"mine")
    put(owner, f"{folder}/g", b"other")
    url, other = reading(owner, f"{folder}/f"), reading(owner, f"{folder}/g")
    signed, _, signature = url.rpartition("/")[0].rpartition(".")
    foreign = other.rpartition("/")[0].rpartition(".")[2]

    assert httpx.get(f"{url.rpartition('/')[0]}/g").content == b"mine"
    assert refusal(httpx.get(f"{signed}.{foreign}/f")) == REFUSED
    assert refusal(httpx.get(f"{signed}.{signature[:-4]}AAAA/f")) == REFUSED
    assert refusal(httpx.get(f"{signed}/f")) == REFUSED
    assert httpx.get(f"{url}/more").status_code == 404


def test_an_expired_address_is_refused_with_the_time(
    owner: httpx.Client, folder: str, keys: TicketService
) -> None:
    """Contract 7-13: an expired address is 403 and says since when, never 500."""
    put(owner, f"{folder}/f", b"bytes")
    url = reading(owner, f"{folder}/f")
    base, _, rest = url.partition("/data/")
    expired = keys.sign(replace(keys.open(rest.partition("/")[0]), expires=keys.expiry()))

    answer = httpx.get(f"{base}/data/{expired}/f")

    assert refusal(answer) == REFUSED
    assert "expired at 20" in answer.text


def test_no_address_is_written_to_the_log(
    owner: httpx.Client, folder: str, shared_space: Space
) -> None:
    """Contract 5 row 43: the log names no ticket, whether it was good or not."""
    url = writing(owner, f"{folder}/f")
    httpx.put(url, content=b"bytes").raise_for_status()
    read = reading(owner, f"{folder}/f")
    httpx.get(read, params={"SUB": "[0]"})
    httpx.get(f"{read}x/y")
    httpx.put(url, content=b"again")

    for each in (url, read):
        ticket = each.partition("/data/")[2].partition("/")[0]
        payload, _, signature = ticket.partition(".")
        assert payload not in shared_space.server.log
        assert signature not in shared_space.server.log


def test_the_key_is_there_before_the_first_address(own_space: Space) -> None:
    """Contract 5 row 43: a server makes its key when it starts, not when the disk is full."""
    with closing(Database(database_url(own_space))) as database, database.read() as unit:
        tickets = TicketService(database=database, lifetime=timedelta(hours=1))
        keys = unit.secrets.in_use("ticket", now=tickets._clock())
    assert len(keys) == 1


def test_a_new_key_leaves_addresses_good_that_were_handed_out(
    shared_space: Space, owner: httpx.Client, folder: str
) -> None:
    """Contract 7-13: an operator changes the key of pre-authorised URLs while it serves."""
    path = f"{folder}/f"
    put(owner, path, b"bytes")
    before = reading(owner, path)

    said = shared_space.server.administer("key", "rotate")

    assert said.splitlines()[1].endswith("good to their end, 60 minutes at most")
    assert httpx.get(before).content == b"bytes"
    assert httpx.get(reading(owner, path)).content == b"bytes"
