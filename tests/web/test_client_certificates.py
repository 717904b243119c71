"""A browser that shows a certificate over TLS, from the account page to a program."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conformance.conftest import SecureSpace, make_secure_server
from tests.support.certificates import Certificate

pytestmark = pytest.mark.web


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[SecureSpace]:
    """A server with TLS that believes an authority of users."""
    space = make_secure_server(tmp_path)
    with space.server:
        yield space


@pytest.fixture
def shown(secure: SecureSpace, tmp_path: Path) -> tuple[Certificate, Path]:
    """A certificate that no account knows yet, and its file."""
    certificate = secure.authority.user("New Name")
    return certificate, certificate.write(tmp_path / "user.pem")


@pytest.fixture
def page(
    chromium: Browser, secure: SecureSpace, shown: tuple[Certificate, Path]
) -> Iterator[Page]:
    """A page of a browser in which that certificate was installed."""
    path = str(shown[1])
    context = chromium.new_context(
        base_url=secure.url,
        ignore_https_errors=True,
        client_certificates=[{"origin": secure.url, "certPath": path, "keyPath": path}],
    )
    yield context.new_page()
    context.close()


def who(secure: SecureSpace, certificate: Path) -> str:
    """Whom the server sees in a program that shows this certificate."""
    with secure.secure(certificate) as client:
        answer = client.get("/vault/availability")
        return str(answer.headers.get("x-vo-authenticated", ""))


def test_the_certificate_of_a_browser_becomes_a_way_in(
    page: Page, secure: SecureSpace, shown: tuple[Certificate, Path]
) -> None:
    certificate, file = shown
    assert who(secure, file) == ""
    page.goto("/login?next=/account")
    page.get_by_label("User name").fill("root")
    page.get_by_label("Password").fill("root-secret-1")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Your browser shows the certificate:")).to_be_visible()
    expect(page.get_by_text("cn=new name,o=grid")).to_be_visible()
    page.get_by_role("button", name="Log in with it from now on").click()
    expect(page.get_by_text("The certificate logs you in from now on.")).to_be_visible()
    expect(page.get_by_role("button", name="Remove cn=new name,o=grid")).to_be_visible()
    assert who(secure, file) == "root"

    page.get_by_role("button", name="Remove cn=new name,o=grid").click()
    page.get_by_role("dialog").get_by_role("button").last.click()
    expect(page.get_by_text("The certificate is no way in any more.")).to_be_visible()
    assert who(secure, file) == ""
    assert certificate.distinguished_name == "/O=Grid/CN=New Name"


def test_a_certificate_that_belongs_to_somebody_else_is_refused_in_words(
    page: Page, secure: SecureSpace
) -> None:
    page.goto("/login?next=/account")
    page.get_by_label("User name").fill("root")
    page.get_by_label("Password").fill("root-secret-1")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Your browser shows the certificate:")).to_be_visible()
    # Somebody else is given the name meanwhile.
    secure.server.administer("user", "identity", "ann", "--add-dn", "/O=Grid/CN=New Name")
    page.get_by_role("button", name="Log in with it from now on").click()
    expect(page.get_by_text("belongs to a user already")).to_be_visible()
