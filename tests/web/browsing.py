"""Browsers that look for what must never happen: script errors, and breaches of the policy."""

import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page

from tests.web.site import Person, WebSite

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WAIT_MS = 10_000
# A form that was wrong and a page that refuses are answered with these, and Chromium says so.
_REFUSED = re.compile(
    r"Failed to load resource: the server responded with a status of [45]\d\d"
    # Tests of a network or a server that is lost, and of a computer without a SAMP hub.
    r"|Failed to load resource: net::ERR_"
    r"(CONNECTION_|SOCKET_|EMPTY_RESPONSE|INTERNET_DISCONNECTED)"
)
_TELL_BREACHES = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`
));
window.hacked = () => console.error("policy: foreign script has run");
"""
_AXE_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
}


class Visit(Protocol):
    """Opens a page of somebody's browser."""

    def __call__(
        self,
        person: Person | None = None,
        path: str = "/",
        *,
        script: bool = True,
        theme: str = "light",
        width: int = 1280,
        language: str = "en-CA",
    ) -> Page:
        """The page at a path; None is somebody who is not logged in."""
        ...


@dataclass
class Visitor:
    """Makes the pages of one test and, at its end, fails for what went wrong on any of them."""

    browser: Browser
    site: WebSite
    breaches: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def visit(
        self,
        person: Person | None = None,
        path: str = "/",
        *,
        script: bool = True,
        theme: str = "light",
        width: int = 1280,
        language: str = "en-CA",
    ) -> Page:
        """See Visit."""
        context = self.browser.new_context(
            base_url=self.site.url,
            java_script_enabled=script,
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            viewport={"width": width, "height": 800},
            locale=language,
        )
        self._contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(_TELL_BREACHES)
        if person is not None:
            cookie = self.site.new_cookie(person)
            context.add_cookies([{"name": "vospace", "value": cookie, "url": self.site.url}])
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.breaches.append(f"script error: {error}"))
        page.on("dialog", self._note_dialog)
        page.goto(path)
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _REFUSED.match(message.text):
            self.breaches.append(f"{message.type}: {message.text}")

    def _note_dialog(self, dialog: Dialog) -> None:
        self.breaches.append(f"a window said: {dialog.message}")
        dialog.dismiss()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for context in self._contexts:
            context.close()
        if error is None:
            assert not self.breaches, "\n".join(self.breaches)


def inaccessible(page: Page) -> list[str]:
    """What axe-core finds wrong with a page as it is now."""
    found = Axe().run(page, options=_AXE_OPTIONS).response["violations"]
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}"
        for each in found
    ]
