"""X.509 distinguished names in one form, however they were written.

Accepted are the slash form of OpenSSL and the grid (`/C=CA/O=Grid/CN=Ann Example`) and the
comma form of RFC 2253, also with blanks after the commas or in the wrong order, as people
copy it. The one form is RFC 2253, most specific first, all in lower case as CADC writes it,
because types and (by X.520's matching rules) values are case-insensitive.
"""

import re

_MOST_CHARACTERS = 1024
_TYPE = r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)"
# A slash separates only where a type follows: /CN=host/www.example.org has two slashes.
_SLASH = re.compile(rf"/(?={_TYPE}\s*=)")
_PART = re.compile(rf"\s*({_TYPE})\s*=\s*(.*?)\s*", re.DOTALL)
# Outside quotes and escapes, a comma or (RFC 1779) a semicolon separates.
_COMMA_PART = re.compile(r'((?:\\.|"(?:\\.|[^"\\])*"|[^,;\\"])+)(?:[,;]|$)', re.DOTALL)
_SAME_TYPES = {"E": "EMAILADDRESS", "EMAIL": "EMAILADDRESS", "S": "ST", "USERID": "UID"}
_ROOT_TYPES = {"C", "DC", "O"}
_SPECIAL = re.compile(r'([,+"\\<>;])')


class NotADistinguishedNameError(ValueError):
    """The text is no distinguished name; says why."""


def normalise_dn(text: str) -> str:
    """The one form of a distinguished name: `cn=ann example,o=grid,c=ca`.

    Raises NotADistinguishedNameError with a sentence.
    """
    if len(text) > _MOST_CHARACTERS or not text.isprintable():
        raise NotADistinguishedNameError(
            "a distinguished name is one line of <= 1024 characters"
        )
    text = text.strip()
    parts = _slash_parts(text) if text.startswith("/") else _comma_parts(text)
    if len(parts) > 1 and parts[0][0] in _ROOT_TYPES and parts[-1][0] in {"CN", "UID"}:
        parts.reverse()
    joined = ",".join(f"{kind}={value}" for kind, value in parts)
    return re.sub(r"\s+", " ", joined).casefold()


def _slash_parts(text: str) -> list[tuple[str, str]]:
    parts = [_split(part, text) for part in _SLASH.split(text)[1:]]
    if not parts or not _SLASH.match(text):
        raise _unreadable(text)
    return [(kind, _SPECIAL.sub(r"\\\1", value)) for kind, value in reversed(parts)]


def _comma_parts(text: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _COMMA_PART.match(text, position)
        if match is None:
            raise _unreadable(text)
        kind, value = _split(match[1], text)
        parts.append((kind, _unquoted(value)))
        position = match.end()
    if not parts or text[-1] in ",;":
        raise _unreadable(text)
    return parts


def _split(part: str, text: str) -> tuple[str, str]:
    match = _PART.fullmatch(part)
    if match is None or not match[2]:
        raise _unreadable(text)
    kind = match[1].upper()
    return _SAME_TYPES.get(kind, kind), match[2]


def _unquoted(value: str) -> str:
    """RFC 2253's escapes instead of the quotation marks of RFC 1779."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _SPECIAL.sub(r"\\\1", value[1:-1].replace("\\", ""))
    return value


def _unreadable(text: str) -> NotADistinguishedNameError:
    return NotADistinguishedNameError(
        f"{text!r} is not a distinguished name; "
        "write /C=CA/O=Grid/CN=Name or CN=Name,O=Grid,C=CA"
    )
