"""Another site attacks somebody who is logged in: forms, fetches, frames, windows."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from typing_extensions import override

from tests.web.browsing import Visitor
from tests.web.site import Person, WebSite

pytestmark = pytest.mark.web

PAGE = b"<!doctype html><title>evil</title><h1>A harmless page</h1>"


class Evil(http.server.BaseHTTPRequestHandler):
    """A site of somebody else's, on another port and under another name of loopback."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


POST = """([url, fields]) => {
  const form = document.createElement("form");
  form.method = "POST";
  form.action = url;
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}"""
FETCH = """async ([url, method, headers]) => {
  try {
    const answer = await fetch(url, {method, headers, credentials: "include", body: "x=1"});
    return answer.status;
  } catch { return "blocked"; }
}"""


def test_a_form_of_another_site_changes_nothing(
    visitor: Visitor, site: WebSite, evil: str, alice: Person
) -> None:
    group = site.new_group(alice)
    page = visitor.visit(alice)
    page.goto(evil)
    page.evaluate(POST, [f"{site.url}/groups/show/{group}/members", {"member": alice.name}])
    page.wait_for_url(f"{site.url}/**")

    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    assert site.groups.get(group).members == ()


def test_a_form_of_another_site_neither_logs_in_nor_out(
    visitor: Visitor, site: WebSite, evil: str, alice: Person, bob: Person
) -> None:
    page = visitor.visit(alice)
    for address, fields in (
        ("/logout", {"everywhere": "yes"}),
        ("/login", {"username": bob.name, "password": "correct horse battery"}),
    ):
        page.goto(evil)
        page.evaluate(POST, [f"{site.url}{address}", fields])
        page.wait_for_url(f"{site.url}/**")
    page.goto("/")

    expect(page.get_by_text(f"Welcome, {alice.name}")).to_be_visible()


def test_a_fetch_of_another_site_neither_changes_nor_reads_anything(
    visitor: Visitor, site: WebSite, evil: str, alice: Person
) -> None:
    site.allocate(alice.name, alice)
    page = visitor.visit(alice)
    page.goto(evil)
    target = f"{site.url}/vault/files/{alice.name}/planted"
    simple = {"content-type": "text/plain"}
    outcomes = [
        page.evaluate(FETCH, [target, "PUT", simple]),
        page.evaluate(FETCH, [f"{site.url}/jobs/forget", "POST", simple]),
        page.evaluate(FETCH, [target, "PUT", {"x-csrf-token": "guess"}]),
    ]
    visitor.breaches.clear()  # that the browser blocks them is what it says there

    assert outcomes == ["blocked"] * 3
    assert page.request.get(f"{site.url}/vault/nodes/{alice.name}/planted").status == 404


def test_no_other_site_frames_a_page_or_reaches_into_a_window(
    visitor: Visitor, site: WebSite, evil: str, alice: Person
) -> None:
    page = visitor.visit(alice)
    page.goto(evil)
    with page.expect_event("framenavigated", lambda frame: frame != page.main_frame):
        page.evaluate(
            """(url) => {
              const frame = document.createElement("iframe");
              frame.src = url;
              document.body.append(frame);
            }""",
            f"{site.url}/account",
        )
    assert page.frames[1].url.startswith("chrome-error:")
    with page.expect_popup() as opened:
        page.evaluate("(url) => { window.other = window.open(url); }", f"{site.url}/account")
    opened.value.wait_for_load_state()
    visitor.breaches.clear()  # as above

    assert page.evaluate("window.other.closed") is True, "the opener has lost the window"
