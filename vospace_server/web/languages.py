"""Languages: the English sentence is the key, a catalogue holds its translation.

`translations/fr/*.json` are French, merged in the order of their names; what stands in a file
whose name begins with `browser` is what the modules in the page say. `{name}` in a sentence is
replaced by a value. `faults.json` translates what services say (web/told.py).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from vospace_server.web.told import Told

NAMES: Final = {"en": "English", "fr": "Français"}
DEFAULT: Final = "en"
FAULTS: Final = "faults.json"
_MAX_CHOICES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language; English has no catalogue, for its sentences are the keys."""

    code: str = DEFAULT
    sentences: Mapping[str, str] = field(default_factory=dict)
    told: Told = field(default_factory=Told)

    def say(self, sentence: str, /, **values: object) -> str:
        """The sentence in this language, with its values filled in."""
        said = self.sentences.get(sentence, sentence)
        return said.format(**values) if values else said

    def tell(self, sentence: str, /) -> str:
        """What a service or one of our forms said, in this language where it is known."""
        return self.sentences.get(sentence) or self.told.tell(sentence)

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


def browser_files() -> dict[str, bytes]:
    """What modules load by address: their sentences, and a table of what services say."""
    found: dict[str, bytes] = {}
    for code in NAMES:
        catalogues = dict(_catalogues(code))
        faults = catalogues.pop(FAULTS, None)
        known = [said for name, said in catalogues.items() if name.startswith("browser")]
        if faults is None:
            continue
        merged = {english: said for each in known for english, said in each.items()}
        found[f"translations/{code}.js"] = f"globalThis.sentences = {_json(merged)};".encode()
        found[f"translations/{code}/{FAULTS}"] = _json(faults).encode()
    return found


def _json(table: Mapping[str, str]) -> str:
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"))


def _load(code: str) -> Language:
    catalogues = dict(_catalogues(code))
    told = Told(catalogues.pop(FAULTS, {}))
    sentences: dict[str, str] = {}
    for said in catalogues.values():
        sentences |= said
    return Language(code=code, sentences=sentences, told=told)


def _catalogues(code: str) -> Iterable[tuple[str, dict[str, str]]]:
    """The files of a language with what is in them, in the order of their names."""
    folder = files("vospace_server.web").joinpath("translations").joinpath(code)
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        yield entry.name, json.loads(entry.read_text(encoding="utf-8"))


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
