"""Finds every sentence that the pages may say: in templates, views and modules."""

import ast
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "vospace_server" / "web"
# Sentences of a service are English; these are the calls that hand ours to a person.
_SAYING = {"say", "count", "refuse", "require", "_done", "_notice", "_failed", "_Words"}
_SAID_IN_TEMPLATES = re.compile(r"""\bt\((?:"([^"]*)"|'([^']*)')""")
_COUNTED_IN_TEMPLATES = re.compile(
    r'\bn\((?:[^"]|"added")*?"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"'
)
_SAID_IN_MODULES = re.compile(r'\bsay\("((?:[^"\\]|\\.)*)"')
_COUNTED_IN_MODULES = re.compile(r'\bcount\(.*?"((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)')
_SENTENCE = re.compile(r"[A-Z{].*[ .]|[A-Z]\w+$")


def of_server() -> set[str]:
    """What templates and views say."""
    found: set[str] = set()
    for template in WEB.rglob("templates/**/*.html"):
        text = template.read_text(encoding="utf-8")
        found |= {one or other for one, other in _SAID_IN_TEMPLATES.findall(text)}
        for pair in _COUNTED_IN_TEMPLATES.findall(text):
            found |= set(pair)
    for module in WEB.rglob("*.py"):
        found |= _of_view(ast.parse(module.read_text(encoding="utf-8")))
    return found


def of_browser() -> set[str]:
    """What modules in the page say."""
    found: set[str] = set()
    for module in WEB.rglob("static/js/**/*.js"):
        text = module.read_text(encoding="utf-8")
        found |= set(_SAID_IN_MODULES.findall(text))
        for pair in _COUNTED_IN_MODULES.findall(text):
            found |= set(pair)
    return found


def _of_view(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in _SAYING:
            found |= _constants([*node.args, *(k.value for k in node.keywords)])
        elif isinstance(node, ast.Assign) and _is_words(node.targets[0]):
            found |= _constants([node.value])
    return {each for each in found if _SENTENCE.match(each)}


def _constants(nodes: list[ast.expr]) -> set[str]:
    return {
        node.value
        for each in nodes
        for node in ast.walk(each)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _is_words(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "words"


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
