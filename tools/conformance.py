"""Writes docs/conformance.md: the rows of tests/conformance/matrix.toml and what shows them.

A test says what it shows in the first line of its docstring: `Compliance row 52: …`,
`Contract 7-15: …`, `Contract 5 row 26: …`, `Contract 1.6: …`, `UWS 1.1 2.2.2: …`; several
places are joined by commas or "and". The document is made from those lines alone, so it can't
claim what no test shows. `--check` compares and writes nothing.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).parents[1]
DOCUMENT = TREE / "docs" / "conformance.md"
MATRIX = TREE / "tests" / "conformance" / "matrix.toml"

_SOURCES = (
    "Contract|Compliance|VOSpace 2\\.1|UWS 1\\.1|GMS 1\\.0|SSO 2\\.0|VOSI 1\\.1|SODA 1\\.0"
)
_PLACE = re.compile(rf"(?P<source>{_SOURCES}) ?(?P<where>.*)")
_COMPLIANCE = re.compile(r"rows? ")
_FEATURE = re.compile(r"(?:^|[ ,])5,? rows? (.+)")
_CORNER = re.compile(r"7-(\d+)")
_NUMBERS = re.compile(r"(\d+)(?: to (\d+))?")

HEAD = """# Conformance

Made by `make conformance` from the tests themselves: the first line of a test's docstring says
what it shows. Every test here drives a real server over real sockets, or somebody else's
unmodified client. A row without a test says so.
"""
TITLES = {
    "compliance": "The compliance matrix of VOSpace 2.1",
    "corner": "Corner cases that servers usually get wrong",
    "feature": "What any VOSpace service or client has",
}


@dataclass(frozen=True, slots=True, order=True)
class Shown:
    """A place in a standard, what of it is shown, and the test that does."""

    source: str
    where: str
    what: str
    test: str


def shown_by(tests: Path) -> list[Shown]:
    """All places that the tests below a folder name."""
    return [found for path in sorted(tests.rglob("test_*.py")) for found in _in_file(path)]


def _in_file(path: Path) -> Iterator[Shown]:
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        paragraph = (ast.get_docstring(node) or "").partition("\n\n")[0]
        places, _, what = " ".join(paragraph.split()).partition(": ")
        test = f"{path.relative_to(TREE / 'tests')}::{node.name}"
        for place in places.split("; "):
            found = _PLACE.fullmatch(place)
            if found is not None and what:
                yield Shown(
                    source=found["source"], where=found["where"], what=what.strip(), test=test
                )


def rows_of(shown: Shown) -> list[tuple[str, int]]:
    """The rows of the matrix that a test names: ("compliance", 52), and so on."""
    if shown.source == "Compliance" and _COMPLIANCE.match(shown.where):
        return [("compliance", number) for number in _numbers(shown.where)]
    if shown.source != "Contract":
        return []
    rows = [("corner", int(number)) for number in _CORNER.findall(shown.where)]
    feature = _FEATURE.search(shown.where)
    if feature is not None:
        rows += [("feature", number) for number in _numbers(feature[1])]
    return rows


def _numbers(text: str) -> Iterator[int]:
    """52; 13 to 15; 1, 2 and 7."""
    for first, last in _NUMBERS.findall(_CORNER.sub("", text)):
        yield from range(int(first), int(last or first) + 1)


def document(matrix: Mapping[str, Mapping[str, str]], shown: Sequence[Shown]) -> str:
    """The text of docs/conformance.md."""
    by_row: dict[tuple[str, int], list[str]] = defaultdict(list)
    elsewhere: list[Shown] = []
    for each in shown:
        rows = rows_of(each)
        for row in rows:
            by_row[row].append(each.test)
        if not rows:
            elsewhere.append(each)
    parts = [HEAD]
    for kind, title in TITLES.items():
        parts.append(f"\n## {title}\n\n| row | what | shown by |\n| --: | --- | --- |\n")
        parts.extend(
            f"| {number} | {what} | {_tests(by_row[kind, int(number)])} |\n"
            for number, what in matrix[kind].items()
        )
    parts.append(
        "\n## Other clauses\n\n| clause | what is shown | test |\n| --- | --- | --- |\n"
    )
    parts.extend(
        f"| {each.source} {each.where} | {_cell(each.what)} | `{each.test}` |\n"
        for each in sorted(elsewhere)
    )
    return "".join(parts)


def _tests(names: Sequence[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names) or "no test of its own"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def unknown_rows(matrix: Mapping[str, Mapping[str, str]], shown: Sequence[Shown]) -> list[str]:
    """Tests that name a row which the matrix does not have."""
    return [
        f"{each.test} names row {number}, which is not in [{kind}]"
        for each in shown
        for kind, number in rows_of(each)
        if str(number) not in matrix[kind]
    ]


def main() -> None:
    """Write the document, or with --check say whether it is the newest."""
    matrix = tomllib.loads(MATRIX.read_text())
    shown = shown_by(TREE / "tests")
    if wrong := unknown_rows(matrix, shown):
        sys.exit("\n".join(wrong))
    newest = document(matrix, shown)
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(newest)
    elif not DOCUMENT.exists() or DOCUMENT.read_text() != newest:
        sys.exit("docs/conformance.md is not what the tests show; run `make conformance`")


if __name__ == "__main__":
    main()
