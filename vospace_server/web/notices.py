"""Notices: what the last form has done, said once, on the page that follows.

They travel in a cookie that lives for a moment, not in the address, where others could write
them. Whatever is in it is shown as text.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request

from vospace_server.web.addresses import local_target

COOKIE: Final = "vospace-notice"
CLEARED: Final = f"{COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
_SECONDS: Final = 60
# Browsers keep 4096 bytes of a cookie.
_MAX_CHARACTERS: Final = 3500


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """A form that takes it back."""

    action: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One sentence; `is_problem` makes it stay and sound like one."""

    text: str
    is_problem: bool = False
    undo: Undo | None = None

    @property
    def cookie(self) -> str:
        """The value of Set-Cookie."""
        document: dict[str, object] = {"text": self.text, "problem": self.is_problem}
        if self.undo is not None:
            document |= {"undo": self.undo.action, "fields": dict(self.undo.fields)}
        value = quote(json.dumps(document, ensure_ascii=False), safe="")
        if len(value) > _MAX_CHARACTERS:
            value = quote(json.dumps({"text": self.text[:200], "problem": self.is_problem}))
        return f"{COOKIE}={value}; Max-Age={_SECONDS}; Path=/; HttpOnly; SameSite=Lax"


def notice_of(request: Request) -> Notice | None:
    """The notice that a request brings; None for none, or for one that can't be read."""
    value = request.cookies.get(COOKIE)
    if not value:
        return None
    try:
        document = json.loads(unquote(value, errors="strict"))
        return Notice(
            text=str(document["text"]),
            is_problem=document.get("problem") is True,
            undo=_undo(document),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _undo(document: Mapping[str, object]) -> Undo | None:
    action, fields = document.get("undo"), document.get("fields")
    if not isinstance(action, str) or not isinstance(fields, dict):
        return None
    return Undo(action=local_target(action), fields={str(k): str(v) for k, v in fields.items()})
