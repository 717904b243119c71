"""The same pages over PostgreSQL: one journey through sessions, groups and invitations."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.postgres import PostgresServer
from tests.support.space import SpaceServer
from tests.web.browsing import Visitor
from tests.web.site import PASSWORD, WebSite, open_site

pytestmark = [pytest.mark.web, pytest.mark.postgres]


@pytest.fixture
def big_site(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[WebSite]:
    with postgres_server.new_database() as url:
        server = SpaceServer(data_dir=tmp_path / "data", arguments=["--database-url", url])
        with server, open_site(server, url) as opened:
            yield opened


def test_a_login_a_group_and_an_invitation_over_postgres(
    chromium: Browser, big_site: WebSite
) -> None:
    alice, bob = big_site.new_person("alice"), big_site.new_person("bob")
    with Visitor(chromium, big_site) as visitor:
        page = visitor.visit(None, "/login?next=/groups/new")
        page.fill("#username", alice.name)
        page.fill("#password", PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        page.get_by_label("Name", exact=True).fill("HST-RO")
        page.get_by_role("button", name="Create group").click()
        page.get_by_label("Add a member").fill("ann@example.org")
        page.get_by_role("button", name="Add", exact=True).first.click()
        page.get_by_role("button", name="Remove ann@example.org").click()
        page.locator(".toast").get_by_role("button", name="Undo").click()
        expect(page.get_by_role("rowheader", name="ann@example.org")).to_be_visible()
        page.get_by_text("Invite by link").click()
        page.get_by_role("button", name="Make the link").click()
        link = page.locator("[data-copied]", has_text="/groups/join/").inner_text()

        guest = visitor.visit(bob, link.removeprefix(big_site.url))
        guest.get_by_role("button", name="Accept").click()
        expect(guest.get_by_role("heading", name="HST-RO")).to_be_visible()
        page.goto("/groups/show/HST-RO/history")
        expect(page.get_by_text("accepted an invitation")).to_be_visible()
        page.goto("/account")
        page.get_by_role("button", name="Log out everywhere").click()
        page.get_by_role("dialog").get_by_role("button", name="Log out everywhere").click()
        expect(page.get_by_text("You are logged out.")).to_be_visible()
    assert big_site.sessions.of_user(alice.user_id) == []
