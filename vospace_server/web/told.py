"""What services say, in the language of a page: faults keep their English on the wire.

A table has English sentences with `{name}` where a value stands. The sentence that fits and
has the most words of its own is the one; a value that is a sentence itself (`{reason}`) is
looked up in turn. static/js/told.js does the same in the page, from the same table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_VALUE: Final = re.compile(r"\{(\w+)\}")
# Values that are looked up themselves.
_INNER: Final = {"deed", "reason", "who"}
_MAX_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Pattern:
    fits: re.Pattern[str]
    translation: str


class Told:
    """A table of what services say; an empty one leaves everything as it is."""

    def __init__(self, table: Mapping[str, str] | None = None) -> None:
        given = table or {}
        self._whole = {each: said for each, said in given.items() if not _VALUE.search(each)}
        parts = [each for each in given if each not in self._whole]
        parts.sort(key=lambda each: len(_VALUE.sub("", each)), reverse=True)
        self._patterns = [_Pattern(_fitting(each), given[each]) for each in parts]

    def tell(self, sentence: str) -> str:
        """The translation; what the table does not know is returned as it came.

        Beside fields a sentence begins with a capital and ends with a stop; so does its
        translation then.
        """
        if sentence.endswith("."):
            bare = sentence[:-1]
            found = self._find(bare[:1].lower() + bare[1:]) or self._find(bare)
            if found is not None:
                return f"{found[:1].upper()}{found[1:]}."
        return self._find(sentence) or sentence

    def _find(self, sentence: str) -> str | None:
        if sentence in self._whole or len(sentence) > _MAX_CHARACTERS:
            return self._whole.get(sentence)
        for pattern in self._patterns:
            fit = pattern.fits.fullmatch(sentence)
            if fit is not None:
                return self._filled(pattern.translation, fit.groupdict())
        return None

    def _filled(self, translation: str, values: Mapping[str, str]) -> str:
        def value(name: re.Match[str]) -> str:
            found = values[name[1]]
            return self.tell(found) if name[1] in _INNER else found

        return _VALUE.sub(value, translation)


def _fitting(sentence: str) -> re.Pattern[str]:
    pieces = _VALUE.split(sentence)
    pattern = "".join(
        f"(?P<{piece}>.+?)" if number % 2 else re.escape(piece)
        for number, piece in enumerate(pieces)
    )
    return re.compile(pattern, re.DOTALL)
