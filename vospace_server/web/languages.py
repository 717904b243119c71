"""Languages: the English sentence is the key, a catalogue holds its translation.

`translations/fr/*.json` are French, merged in the order of their names; what stands in a file
whose name begins with `browser` is also given to the modules in the page. `{name}` in a
sentence is replaced by a value.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

NAMES: Final = {"en": "English", "fr": "Français"}
DEFAULT: Final = "en"
_MAX_CHOICES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language; English has no catalogue, for its sentences are the keys."""

    code: str = DEFAULT
    sentences: Mapping[str, str] = field(default_factory=dict)
    browser_sentences: Mapping[str, str] = field(default_factory=dict)

    def say(self, sentence: str, /, **values: object) -> str:
        """The sentence in this language, with its values filled in."""
        said = self.sentences.get(sentence, sentence)
        return said.format(**values) if values else said

    def count(self, number: int, one: str, many: str, /, **values: object) -> str:
        """The sentence for this number; `{n}` in it is the number.

        French counts none as one.
        """
        single = number == 1 or (number == 0 and self.code == "fr")
        return self.say(one if single else many, n=number, **values)


class Languages:
    """All that there are."""

    def __init__(self) -> None:
        self._known = {code: _load(code) for code in NAMES}

    def of(self, chosen: str | None, accepted: str) -> Language:
        """The language that a person chose, else the first that the browser asks for."""
        for code in (chosen or "", *_preferences(accepted)):
            if code in self._known:
                return self._known[code]
        return self._known[DEFAULT]


def _load(code: str) -> Language:
    folder = files("vospace_server.web").joinpath("translations").joinpath(code)
    sentences: dict[str, str] = {}
    browser: dict[str, str] = {}
    if folder.is_dir():
        for entry in sorted(folder.iterdir(), key=lambda each: each.name):
            said: dict[str, str] = json.loads(entry.read_text(encoding="utf-8"))
            sentences |= said
            if entry.name.startswith("browser"):
                browser |= said
    return Language(code=code, sentences=sentences, browser_sentences=browser)


def _preferences(accepted: str) -> Iterable[str]:
    """The languages of an Accept-Language header, the dearest first, without regions."""
    weighted: list[tuple[float, int, str]] = []
    for position, choice in enumerate(accepted.split(",")[:_MAX_CHOICES]):
        code, _, weight = choice.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        if quality > 0:
            weighted.append((-quality, position, code.strip().lower().partition("-")[0]))
    return [code for _, _, code in sorted(weighted)]
