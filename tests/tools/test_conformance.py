"""The maker of docs/conformance.md reads what tests say, and nothing else."""

from pathlib import Path

import pytest

from tools import conformance
from tools.conformance import Shown, document, rows_of, shown_by, unknown_rows


def shown(source: str, where: str) -> Shown:
    return Shown(source=source, where=where, what="it works", test="a/test_b.py::test_c")


@pytest.mark.parametrize(
    ("source", "where", "rows"),
    [
        ("Compliance", "row 52", [("compliance", 52)]),
        ("Compliance", "rows 1, 3 and 4", [("compliance", n) for n in (1, 3, 4)]),
        ("Contract", "5 rows 13 to 15", [("feature", n) for n in (13, 14, 15)]),
        ("Contract", "7-15", [("corner", 15)]),
        ("Contract", "5 row 7 and 7-2", [("corner", 2), ("feature", 7)]),
        ("Contract", "7-13, 5 row 43", [("corner", 13), ("feature", 43)]),
        ("Contract", "1.6", []),
        ("UWS 1.1", "2.2.2", []),
    ],
)
def test_places_become_rows(source: str, where: str, rows: list[tuple[str, int]]) -> None:
    assert rows_of(shown(source, where)) == rows


def test_only_the_first_line_of_a_docstring_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conformance, "TREE", tmp_path)
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_a.py").write_text(
        'def test_one():\n    """Contract 7-1: all of\n    them."""\n\n'
        'def test_two():\n    """It works.\n\n    Contract 7-2: no."""\n'
    )

    (found,) = shown_by(tests)

    assert (found.where, found.what, found.test) == (
        "7-1",
        "all of them.",
        "test_a.py::test_one",
    )


def test_a_row_without_a_test_says_so_and_an_unknown_one_is_an_error() -> None:
    matrix = {"compliance": {"1": "uris"}, "corner": {}, "feature": {}}

    written = document(matrix, [])

    assert "| 1 | uris | no test of its own |" in written
    assert unknown_rows(matrix, [shown("Compliance", "row 99")])
    assert not unknown_rows(matrix, [shown("Compliance", "row 1")])
