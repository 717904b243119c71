"""Where the pages are."""

from typing import Final
from urllib.parse import quote, urlsplit

HOME: Final = "/"
LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
REGISTER: Final = "/register"
ABOUT: Final = "/about"
PREFERENCES: Final = "/preferences"
ACCOUNT: Final = "/account"
GROUPS: Final = "/groups"
JOBS: Final = "/jobs"
ADMIN: Final = "/admin"
ADMIN_STATE: Final = "/admin/state"
STORAGE: Final = "/storage"
ASSETS: Final = "/assets"

# Below these, the CSRF token of an unsafe request may come in its form (web/forms.py).
FORM_PREFIXES: Final = (
    LOGIN,
    LOGOUT,
    REGISTER,
    PREFERENCES,
    ACCOUNT,
    GROUPS,
    JOBS,
    ADMIN,
    STORAGE,
)


def local_target(text: str | None, default: str = HOME) -> str:
    r"""An address of ours to go to next, as a request asked for it; else the default.

    Anything that a browser could read as another host is refused: `//host`, `/\host`, and
    what control characters hide.
    """
    if not text or not text.startswith("/") or text.startswith(("//", "/\\")):
        return default
    if "\\" in text or any(ord(each) <= ord(" ") or ord(each) == 127 for each in text):  # noqa: PLR2004 - DEL
        return default
    return text if text.isascii() else quote(text, safe="/?&=#%+:;,.~-_!$'()*@[]")


def group(name: str) -> str:
    """The page of a group."""
    return f"{GROUPS}/show/{quote(name, safe='')}"


def user(name: str) -> str:
    """The page of a user, for administrators."""
    return f"{ADMIN}/users/show/{quote(name, safe='')}"


def login_address(target: str) -> str:
    """The login that leads to a page."""
    return f"{LOGIN}?next={quote(target, safe='')}"


def target_of_referrer(referrer: str | None) -> str:
    """The page of ours that a form stood on."""
    if not referrer:
        return HOME
    parts = urlsplit(referrer)
    return local_target(parts.path + (f"?{parts.query}" if parts.query else ""))
