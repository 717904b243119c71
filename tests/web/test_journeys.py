"""The table of journeys in docs/web.md: each by mouse, and again by keyboard alone."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = Path(__file__).parent
_ROW = re.compile(
    r"^\| ([^|*]+) \| `([a-z_]+)::(test_\w+)` \| `([a-z_]+)::(test_\w+)` \|$", re.MULTILINE
)
# What a hand on a mouse does, and what puts the focus somewhere without a key.
MOUSE = {
    "click",
    "dblclick",
    "fill",
    "check",
    "uncheck",
    "focus",
    "hover",
    "tap",
    "drag_to",
} | {
    "select_option",
    "set_checked",
    "set_input_files",
    "dispatch_event",
    "clear",
    "mouse",
}


def table() -> list[tuple[str, str, str, str, str]]:
    """What is walked through; module and test by mouse; module and test by keyboard."""
    return _ROW.findall((ROOT / "docs/web.md").read_text(encoding="utf-8"))


def functions_of(module: str) -> set[str]:
    """The names of the tests of a module."""
    tree = ast.parse((TESTS / f"test_{module}.py").read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def keyboard_modules() -> list[Path]:
    """The modules of those who have no mouse, and what helps them."""
    return [*TESTS.glob("test_keyboard_*.py"), TESTS / "keyboard.py"]


def test_every_test_of_the_table_is_there() -> None:
    rows = table()
    assert len(rows) > 35
    for _, mouse, by_mouse, keys, by_keyboard in rows:
        assert by_mouse in functions_of(mouse)
        assert keys.startswith("keyboard_")
        assert by_keyboard in functions_of(keys)


def test_every_journey_by_keyboard_is_in_the_table() -> None:
    told = {(keys, test) for *_, keys, test in table()}
    for module in TESTS.glob("test_keyboard_*.py"):
        name = module.stem.removeprefix("test_")
        for test in functions_of(name):
            assert not test.startswith("test_") or (name, test) in told, test


def test_journeys_by_keyboard_touch_no_mouse_and_run_over_postgres() -> None:
    for module in keyboard_modules():
        source = module.read_text(encoding="utf-8")
        used = {
            each.attr for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Attribute)
        }
        assert used & MOUSE == set(), module.name
        if module.stem != "keyboard":
            assert 'pytest.mark.journey("postgres")' in source, module.name
