"""TokenScope: what a credential may be used for at most, and below which paths.

It is written as OAuth 2.0 writes scopes (RFC 6749, 3.3), words with spaces between them, and
limited to a path as SciTokens are: `read:/hst-refer write:/durand/work`.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath

_MOST_WORDS: Final = 20
# It becomes part of addresses for bytes and of certificates.
_MOST_CHARACTERS: Final = 1000


class ScopeLevel(enum.IntEnum):
    """How much a scope allows somewhere; each level includes those before it."""

    NOTHING = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class PathScope:
    """A part of a scope: a level for a node and all that is below it."""

    level: ScopeLevel
    path: NodePath

    def covers(self, level: ScopeLevel, path: NodePath) -> bool:
        """Whether this allows that much there."""
        return self.level >= level and path.is_within(self.path)


@dataclass(frozen=True, slots=True)
class TokenScope:
    """A level that holds everywhere, and more than it below some paths.

    A scope only ever narrows: `ADMIN` on a token of somebody who is no administrator grants
    nothing. Passwords carry `ADMIN`. There is one value for all scopes that mean the same.
    """

    everywhere: ScopeLevel
    below: tuple[PathScope, ...] = ()

    READ: ClassVar["TokenScope"]
    WRITE: ClassVar["TokenScope"]
    ADMIN: ClassVar["TokenScope"]

    @property
    def label(self) -> str:
        """The scope as people write it: `read`, `admin`, `read write:/durand/work`."""
        words = [self.everywhere.name.lower()] if self.everywhere else []
        words += [f"{each.level.name.lower()}:{each.path.quoted()}" for each in self.below]
        return " ".join(words)

    @classmethod
    def parse(cls, text: str) -> "TokenScope":
        """The inverse of `label`; raises ValueError with a sentence for anything else."""
        # At blanks alone: other white space may be part of a name.
        words = [word for word in text.split(" ") if word]
        if not 1 <= len(words) <= _MOST_WORDS:
            raise ValueError(f"a scope has 1 to {_MOST_WORDS} words, such as read:/hst-refer")
        scope = _joined(map(_part, words))
        if len(scope.label) > _MOST_CHARACTERS:
            raise ValueError(f"a scope has at most {_MOST_CHARACTERS} characters")
        return scope

    @classmethod
    def decode(cls, kept: int | str) -> "TokenScope":
        """The scope of a label that we have kept, or of a number, as it was kept before.

        What two scopes have in common may have more words than anybody may write.
        """
        if isinstance(kept, int):
            return cls(ScopeLevel(kept))
        return _joined(map(_part, kept.split()))

    @property
    def is_limited(self) -> bool:
        """Whether there are places that it is good for nothing at."""
        return self.everywhere is ScopeLevel.NOTHING

    @property
    def most(self) -> ScopeLevel:
        """The highest level that it has anywhere."""
        return max(self.everywhere, *(each.level for each in self.below), ScopeLevel.NOTHING)

    def allows(self, level: ScopeLevel, path: NodePath) -> bool:
        """Whether it allows that much to be done to the node at a path."""
        if self.everywhere >= level:
            return True
        return any(each.covers(level, path) for each in self.below)

    def covers(self, other: "TokenScope", *, up_to: ScopeLevel = ScopeLevel.ADMIN) -> bool:
        """Whether it allows all that the other one does, of which at most `up_to` counts."""
        return all(self.allows(min(part.level, up_to), part.path) for part in other.parts())

    def at_most(self, other: "TokenScope") -> "TokenScope":
        """What both of them allow, which may be nothing at all."""
        common = [
            PathScope(min(one.level, two.level), max(one.path, two.path, key=len))
            for one in self.parts()
            for two in other.parts()
            if one.path.is_within(two.path) or two.path.is_within(one.path)
        ]
        return _joined(common)

    def parts(self) -> tuple[PathScope, ...]:
        """All parts; the level that holds everywhere is one for the root."""
        if not self.everywhere:
            return self.below
        return (PathScope(self.everywhere, NodePath.root()), *self.below)


TokenScope.READ = TokenScope(ScopeLevel.READ)
TokenScope.WRITE = TokenScope(ScopeLevel.WRITE)
TokenScope.ADMIN = TokenScope(ScopeLevel.ADMIN)


def _joined(parts: Iterable[PathScope]) -> TokenScope:
    """The scope of these parts, without those that others include, in the order of paths."""
    kept: list[PathScope] = []
    for part in sorted(set(parts), key=lambda each: (-each.level, each.path.names)):
        if not any(other.covers(part.level, part.path) for other in kept):
            kept.append(part)
    everywhere = max((each.level for each in kept if each.path.is_root), default=0)
    below = sorted((each for each in kept if not each.path.is_root), key=_order)
    return TokenScope(ScopeLevel(everywhere), tuple(below))


def _order(part: PathScope) -> tuple[int, tuple[str, ...]]:
    return part.level, part.path.names


def _part(word: str) -> PathScope:
    name, colon, path = word.partition(":")
    level = _LEVELS.get(name)
    if level is None:
        raise ValueError(
            f"unknown scope {word[:80]!r}; it must be one of {', '.join(_LEVELS)}, or read or "
            "write below a path, as in read:/hst-refer"
        )
    if not colon:
        return PathScope(level, NodePath.root())
    if level is ScopeLevel.ADMIN:
        raise ValueError("the scope admin is for the whole service; it takes no path")
    if not path.startswith("/"):
        raise ValueError(f"the path of the scope {word[:80]!r} must begin with a slash")
    try:
        return PathScope(level, NodePath.from_raw(path.encode("utf-8", "surrogateescape")))
    except InvalidURI as error:
        raise ValueError(f"the scope {word[:80]!r} names no path: {error.detail}") from error


_LEVELS: Final = {
    level.name.lower(): level for level in ScopeLevel if level is not ScopeLevel.NOTHING
}
