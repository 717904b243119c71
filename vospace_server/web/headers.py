"""What every page says to the browser about what may run, load, frame and watch it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' blob: data:; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "frame-ancestors 'none'; "
    "base-uri 'none'; "
    "require-trusted-types-for 'script'; "
    "trusted-types vospace-worker"
)

# Storage pages hand files to programs of whoever looks, by the hub of SAMP on their own
# computer (decision 0012): its address in the standard, and nothing else there.
STORAGE_POLICY: Final = CONTENT_SECURITY_POLICY.replace(
    "connect-src 'self'", "connect-src 'self' http://localhost:21012"
)

PAGE_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        # Nothing goes to other sites. Not no-referrer: with it browsers send `Origin: null`
        # with forms, and those without Sec-Fetch-Site could not prove where a form came from.
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # Who is logged in stands on every page; the button "back" must not show it later.
        "cache-control": "private, no-store",
        "vary": "cookie, accept-language",
    }
)
