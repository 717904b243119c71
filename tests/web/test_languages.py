"""French says all that English says, and nothing else; what is negotiated is what is shown."""

import json
import re
from collections.abc import Mapping

import pytest

from tests.web import sentences
from vospace_server.examination.checks import CHECKS
from vospace_server.web.languages import FAULTS, Language, Languages

FOLDER = sentences.WEB / "translations" / "fr"
# Words that come from values: scopes, roles, subjects of the doctor.
FROM_VALUES = {"read", "write", "admin", "member", *CHECKS} - {"port"}


def catalogue(pattern: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for file in sorted(FOLDER.glob(pattern)):
        if file.name == FAULTS:
            continue
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def test_everything_that_the_pages_say_is_said_in_french() -> None:
    assert sorted((sentences.of_server() | FROM_VALUES) - set(catalogue("*.json"))) == []


def test_everything_that_the_modules_say_is_said_in_french() -> None:
    assert sorted(sentences.of_browser() - set(catalogue("browser*.json"))) == []


def test_nothing_is_translated_that_nobody_says() -> None:
    said = sentences.of_server() | sentences.of_browser() | FROM_VALUES
    assert sorted(set(catalogue("*.json")) - said) == []


def test_a_translation_has_the_values_of_its_sentence() -> None:
    for english, french in catalogue("*.json").items():
        values = [sorted(re.findall(r"\{\w+\}", text)) for text in (english, french)]
        assert values[0] == values[1], english


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de,fr;q=0.5", "fr"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=0, en", "en"),
        ("fr;q=nonsense, en;q=0.1", "en"),
        (",".join(["x"] * 5000), "en"),
    ],
)
def test_the_language_is_the_dearest_that_there_is(accepted: str, code: str) -> None:
    assert Languages().of(None, accepted).code == code


def test_french_counts_none_as_one() -> None:
    french, english = Language(code="fr"), Language()
    assert french.count(0, "{n} chose", "{n} choses") == "0 chose"
    assert english.count(0, "{n} thing", "{n} things") == "0 things"


def test_what_is_filled_in_is_never_a_pattern_itself() -> None:
    assert Language().say("Welcome, {name}", name="{here.__class__}") == (
        "Welcome, {here.__class__}"
    )
