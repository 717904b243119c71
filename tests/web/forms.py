"""Sending forms as the pages would."""

import httpx

from tests.web.site import csrf_token


def send(
    browser: httpx.Client, address: str, /, *, page: str = "/about", **fields: str
) -> httpx.Response:
    """Send a form of the page at `page`, with its token."""
    token = csrf_token(browser.get(page))
    return browser.post(address, data={"csrf_token": token, **fields})
