"""docs/semantics.md names a real test behind every paragraph."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "semantics.md"
NAME = re.compile(r"^`(test_\w+)`$", re.MULTILINE)


def _tests() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "tests" / "mounted").glob("test_*.py")]
    return {
        name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    }


def test_every_test_named_in_the_document_exists() -> None:
    named = NAME.findall(DOCUMENT.read_text())
    assert len(named) >= 25
    assert set(named) <= _tests()


def test_every_paragraph_of_the_document_names_a_test() -> None:
    body = DOCUMENT.read_text().split("## Reading", 1)[1]
    paragraphs = [text for text in body.split("\n\n") if text.strip().startswith("**")]
    assert paragraphs
    assert [text for text in paragraphs if NAME.search(text) is None] == []
