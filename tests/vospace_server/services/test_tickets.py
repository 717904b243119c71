"""Tickets: signed, bound, and good for a while."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model.faults import PermissionDenied, ServiceBusy
from vospace_server.database.engine import Database
from vospace_server.domain.content import Content
from vospace_server.services.tickets import ReadTicket, Ticket, TicketService, WriteTicket

CONTENT = Content(content_id="1" * 32, object_key="2" * 32, length=5, md5="3", sha256="4")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path / 'space.sqlite'}")) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture
def tickets(database: Database, clock: Clock) -> TicketService:
    return TicketService(database=database, lifetime=timedelta(minutes=10), clock=clock)


def read_ticket(expires: int, content: Content | None = CONTENT) -> ReadTicket:
    return ReadTicket(
        node_id=7,
        content=content,
        media_type="application/fits",
        modified_ns=1,
        public=False,
        expires=expires,
    )


def write_ticket(expires: int) -> WriteTicket:
    return WriteTicket(
        path="/é/b c", user="alice", scope="write", job_id="5" * 32, expires=expires
    )


def test_what_is_signed_is_opened_again(tickets: TicketService) -> None:
    made: list[Ticket] = [
        read_ticket(tickets.expiry()),
        read_ticket(tickets.expiry(), content=None),
        write_ticket(tickets.expiry()),
    ]

    for ticket in made:
        text = tickets.sign(ticket)
        assert tickets.open(text) == ticket
        assert set(text) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
        )


def test_a_ticket_ends_at_its_time(tickets: TicketService, clock: Clock) -> None:
    text = tickets.sign(read_ticket(tickets.expiry()))

    clock.now += timedelta(minutes=9, seconds=59)
    tickets.open(text)
    clock.now += timedelta(seconds=1)

    with pytest.raises(PermissionDenied, match="expired at 2026-01-01T00:10:00Z"):
        tickets.open(text)


def test_a_changed_ticket_is_not_ours(tickets: TicketService) -> None:
    payload, _, signature = tickets.sign(read_ticket(tickets.expiry())).partition(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "==="))
    decoded[-1] += 10_000
    later = base64.urlsafe_b64encode(json.dumps(decoded).encode()).rstrip(b"=").decode()

    for text in (f"{later}.{signature}", payload, f"{payload}.", f"{payload}.AAAA", "", "."):
        with pytest.raises(PermissionDenied, match="not made by this service"):
            tickets.open(text)


@given(text=st.text(max_size=200))
def test_no_text_does_anything_but_being_refused(
    tickets_of_session: TicketService, text: str
) -> None:
    with pytest.raises(PermissionDenied):
        tickets_of_session.open(text)


@pytest.fixture(scope="session")
def tickets_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TicketService]:
    path = tmp_path_factory.mktemp("tickets") / "space.sqlite"
    with closing(Database(f"sqlite:///{path}")) as database:
        database.upgrade()
        yield TicketService(database=database, lifetime=timedelta(minutes=10))


def test_every_process_on_a_database_opens_the_tickets_of_the_others(
    database: Database, tickets: TicketService, clock: Clock
) -> None:
    other = TicketService(database=database, lifetime=timedelta(minutes=10), clock=clock)

    assert other.open(tickets.sign(read_ticket(other.expiry()))).expires == other.expiry()


def test_a_new_key_signs_and_the_old_one_still_verifies(
    database: Database, tickets: TicketService, clock: Clock
) -> None:
    old = tickets.sign(read_ticket(tickets.expiry()))
    with database.write() as unit:
        unit.secrets.add("ticket", b"k" * 32, now=clock.now)
    rotated = TicketService(database=database, lifetime=timedelta(minutes=10), clock=clock)
    new = rotated.sign(read_ticket(tickets.expiry()))

    clock.now += timedelta(minutes=1)

    assert rotated.open(old) == tickets.open(old)
    assert tickets.open(new) == rotated.open(new)
    assert old != new


def test_the_key_of_another_database_opens_nothing(
    tickets: TicketService, tickets_of_session: TicketService
) -> None:
    foreign = tickets_of_session.sign(read_ticket(tickets.expiry()))

    with pytest.raises(PermissionDenied):
        tickets.open(foreign)


def test_after_a_rotation_both_keys_hold_until_the_old_tickets_end(
    database: Database, tickets: TicketService, clock: Clock
) -> None:
    other = TicketService(database=database, lifetime=timedelta(minutes=10), clock=clock)
    old = tickets.sign(read_ticket(tickets.expiry()))
    other.open(old)

    tickets.rotate()
    new = tickets.sign(read_ticket(tickets.expiry()))
    late = other.sign(read_ticket(other.expiry()))
    assert tickets.open(old) == other.open(old)
    assert tickets.open(late) == other.open(late)
    clock.now += timedelta(seconds=31)
    assert other.open(new) == tickets.open(new)
    clock.now += timedelta(minutes=10)
    lasting = (1 << 40) - 1
    forged = other.sign(read_ticket(lasting))

    assert tickets.open(forged).expires == lasting
    with database.read() as unit:
        assert len(unit.secrets.in_use("ticket", now=clock.now)) == 1
    with pytest.raises(PermissionDenied):
        tickets.open(old)


def test_an_expired_ticket_to_write_may_still_go_on_with_what_it_began(
    tickets: TicketService, clock: Clock
) -> None:
    writing = tickets.sign(write_ticket(tickets.expiry()))
    reading = tickets.sign(read_ticket(tickets.expiry()))
    clock.now += timedelta(minutes=11)

    assert isinstance(tickets.open(writing, may_have_expired=True), WriteTicket)
    with pytest.raises(PermissionDenied):
        tickets.open(reading, may_have_expired=True)


def test_bytes_are_served_while_the_database_is_away(
    tickets: TicketService, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = tickets.sign(read_ticket((1 << 40) - 1))

    def away() -> None:
        raise ServiceBusy("the database does not answer")

    monkeypatch.setattr(tickets._database, "read", away)
    clock.now += timedelta(minutes=5)

    assert isinstance(tickets.open(signed), ReadTicket)


def test_a_key_that_has_become_known_is_of_no_use_at_once(
    database: Database, tickets: TicketService, clock: Clock
) -> None:
    other = TicketService(database=database, lifetime=timedelta(minutes=10), clock=clock)
    older = tickets.sign(read_ticket(tickets.expiry()))
    tickets.rotate()
    old = tickets.sign(read_ticket(tickets.expiry()))
    other.open(old)

    tickets.rotate(at_once=True)
    for text in (older, old):
        with pytest.raises(PermissionDenied):
            tickets.open(text)
    new = tickets.sign(read_ticket(tickets.expiry()))
    clock.now += timedelta(seconds=31)

    assert other.open(new) == tickets.open(new)
    with pytest.raises(PermissionDenied):
        other.open(old)
