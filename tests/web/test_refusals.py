"""Refusals as pages: each has its own words, and the one of 403 says whom to ask."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.web.site import Person, WebSite
from vospace_model.faults import (
    FAULT_STATUS,
    Fault,
    InternalFault,
    NodeLocked,
    QuotaExceeded,
    RequestEntityTooLarge,
    ServiceBusy,
)
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.browser_sessions import SessionCookies
from vospace_server.web.assets import Assets
from vospace_server.web.error_pages import ErrorPages
from vospace_server.web.languages import Languages
from vospace_server.web.pages import Pages, Site

Client = Callable[..., httpx.Client]
SITE = Site(
    version="1", resource_id="ivo://x/y", group_service_id="ivo://x/gms", service_name="y"
)


def scope(method: str = "GET") -> dict[str, object]:
    reader = Identity(
        user_id=1, name="ann", groups=frozenset(), is_admin=False, scope=TokenScope.READ
    )
    return {
        "type": "http",
        "method": method,
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [(b"accept", b"text/html")],
        "vospace.caller": reader,
    }


def answered(errors: ErrorPages, fault: Fault, asked: dict[str, object]) -> Response | None:
    """What is answered; in a thread of its own, as the browser's has an event loop already."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, errors.answer(fault, asked)).result()


@pytest.fixture(scope="module")
def errors() -> ErrorPages:
    return ErrorPages(
        pages=Pages(assets=Assets(), languages=Languages(), site=SITE), cookies=SessionCookies()
    )


@pytest.mark.parametrize("kind", FAULT_STATUS, ids=lambda kind: kind.__name__)
def test_every_fault_has_a_page_with_its_status_and_detail(
    errors: ErrorPages, kind: type[Fault]
) -> None:
    answer = answered(errors, kind("what <b>happened</b>"), scope())

    assert answer is not None
    assert answer.status_code == FAULT_STATUS[kind]
    assert b"what &lt;b&gt;happened&lt;/b&gt;" in bytes(answer.body)


def test_the_words_differ_where_what_to_do_differs(errors: ErrorPages) -> None:
    pages = set()
    for fault in (QuotaExceeded(), NodeLocked(), ServiceBusy(), InternalFault()):
        answer = answered(errors, fault, scope())
        assert answer is not None
        pages.add(bytes(answer.body))
    assert len(pages) == 4
    quota, large = [
        answered(errors, fault, scope()) for fault in (QuotaExceeded(), RequestEntityTooLarge())
    ]
    assert quota is not None
    assert large is not None
    assert b"quota" in bytes(quota.body)


def test_a_program_gets_no_page(errors: ErrorPages) -> None:
    program = {**scope(), "headers": [(b"accept", b"*/*")]}
    assert answered(errors, NodeLocked("x"), program) is None
    assert Request(program).method == "GET"


def test_a_group_that_is_closed_says_whom_to_ask(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    page = client(bob).get(f"/groups/show/{group}")

    assert page.status_code == 403
    assert f"It belongs to {alice.name}, who can grant you access." in page.text


def test_a_folder_that_is_closed_says_whom_to_ask_and_nothing_of_what_is_in_it(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    site.allocate(alice.name, alice)
    site.grant(alice.name, site.new_group(alice))
    browser = client(bob)
    for inside in ("there", "not/there"):
        page = browser.get(f"/vault/files/{alice.name}/{inside}")
        assert page.status_code == 403, inside
        assert f"It belongs to {alice.name}" in page.text


def test_a_page_that_is_for_administrators_names_nobody(client: Client, alice: Person) -> None:
    page = client(alice).get("/admin")

    assert page.status_code == 403
    assert "who can grant you access" not in page.text
    assert OPERATOR.name not in page.text
