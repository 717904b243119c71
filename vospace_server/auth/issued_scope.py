"""What a signed token may be used for, as its issuer says: SciTokens and WLCG's profile.

Both write words of the claim `scope` (RFC 8693, 4.2): `read:/PATH` and `write:/PATH` the first,
`storage.read:/PATH`, `storage.modify:/PATH` and some more the second (WLCG Common JWT Profiles
1.0). Other words, such as `openid`, are about other services.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from vospace_server.domain.token_scope import ScopeLevel, TokenScope

# None: about storage, but for something that we can't grant by itself.
_WORDS: Final[Mapping[str, str | None]] = {
    "read": "read",
    "write": "write",
    "storage.read": "read",
    "storage.modify": "write",
    # To make what is not there and to change nothing: no scope of ours is so narrow.
    "storage.create": None,
    "storage.stage": None,
    "storage.poll": None,
}


def issued_scope(claims: Mapping[str, Any]) -> TokenScope:
    """The scope of a token with these claims; WRITE if they say nothing of storage.

    What the issuer has limited stays limited, to nothing at all if need be; a word without a
    path is for all of them. Raises ValueError with a sentence for a path that is none.
    """
    words = list(_words_about_storage(claims.get("scope")))
    if not words:
        return TokenScope.WRITE
    granted = [f"{word}:{path}" for word, path in words if word is not None]
    if not granted:
        return TokenScope(ScopeLevel.NOTHING)
    return TokenScope.parse(" ".join(granted))


def _words_about_storage(claim: object) -> Iterator[tuple[str | None, str]]:
    if claim is None:
        return
    texts = claim if isinstance(claim, list) else [claim]
    words: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            raise ValueError("the claim scope is no text")  # noqa: TRY004 - of the token
        # At blanks alone: other white space may be part of a name.
        words += text.split(" ")
    for each in words:
        name, colon, path = each.partition(":")
        # `read:messages` is about something else.
        is_ours = not colon or path.startswith("/") or name.startswith("storage.")
        if name in _WORDS and is_ours:
            yield _WORDS[name], path if colon else "/"
