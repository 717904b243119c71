"""French pages say in French what services refuse; on the wire it stays English."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.web.browsing import Visit
from tests.web.forms import send
from tests.web.site import Person, WebSite
from tests.web.storage_pages import browse, open_space, row
from vospace_server.web.languages import FAULTS, Languages

ROOT = Path(__file__).parents[2]
TABLE: dict[str, str] = json.loads(
    (ROOT / "vospace_server/web/translations/fr" / FAULTS).read_text(encoding="utf-8")
)
FRENCH = Languages().of("fr", "")
# Where the sentences are made that pages show; what is left out speaks to programs alone:
# documents, headers, the command line, archives and cut-outs.
REACHED = (
    "auth/authenticator auth/failure_limiter auth/passwords database/groups database/nodes "
    "database/trash database/users domain/access domain/account domain/distinguished_name "
    "domain/group domain/path_walk domain/property_changes http/browser_sessions http/browsing "
    "http/faults http/request_bodies services/accounts services/allocations services/browsing "
    "services/copied_nodes services/copies services/data services/deletions "
    "services/destinations services/group_queries services/groups services/invitations "
    "services/job_control services/job_execution services/jobs services/listing services/moves "
    "services/nodes services/put_transactions services/quota services/reading "
    "services/recursive_properties services/registration services/service_states services/sink "
    "services/transaction_book services/transaction_ends services/trash services/tree "
    "services/upload_conditions services/uploads web/assets web/forms web/pages web/routing "
    "web/views/account web/views/group web/views/register web/views/storage"
)
FILES = [ROOT / f"vospace_server/{each}.py" for each in REACHED.split()] + [
    ROOT / f"vospace_model/{each}.py" for each in ("nodes", "properties", "uris")
]
_KINDS = re.compile(
    r"[A-Z]\w+(Denied|Authenticated|URI|Argument|Found|Target|Node|Busy|Locked|Exceeded|TooLarge"
    r"|Failed|Data|Supported|Fault|Error)$"
)


def sentences(file: Path) -> Iterator[str]:
    """One example of every sentence that is made in a module, with an `x` for each value."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and _KINDS.match(_called(node.func)):
            example = _example(node.args[0])
            if " " in example.replace("x", ""):
                yield example


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _example(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_example(each) for each in node.values)
    return "x" if isinstance(node, ast.FormattedValue) else ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_a_module_refuses_is_told_in_french(file: Path) -> None:
    assert [each for each in sentences(file) if FRENCH.tell(each) == each] == []


def test_the_sentences_of_modules_are_found_at_all() -> None:
    assert sum(len(list(sentences(file))) for file in FILES) > 150


def test_a_translated_fault_has_the_values_of_its_sentence() -> None:
    for english, french in TABLE.items():
        values = [set(re.findall(r"\{\w+\}", text)) for text in (english, french)]
        assert values[1] <= values[0], english


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("there is no user 'zoé'", "il n\u2019y a pas d\u2019utilisateur 'zoé'"),
        ("There is no user 'zoé'.", "Il n\u2019y a pas d\u2019utilisateur 'zoé'."),
        ("can't read: the node is locked", "impossible de lire : c\u2019est verrouillé"),
        (
            "a link leads to /a/b, but /a does not exist",
            "un lien mène à /a/b, mais /a n\u2019existe pas",
        ),
        ("/a {0} (b)* is not empty", "/a {0} (b)* n\u2019est pas vide"),
        ("something that nobody knows", "something that nobody knows"),
        ("", ""),
    ],
)
def test_a_sentence_is_told_with_its_values(english: str, french: str) -> None:
    assert FRENCH.tell(english) == french
    assert Languages().of("en", "").tell(english) == english


@pytest.mark.web
def test_a_form_and_a_refused_page_are_told_in_french(
    client: Callable[..., httpx.Client], site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    french = client(alice)
    french.headers["accept-language"] = "fr"
    answer = send(french, f"/groups/show/{group}/members", member="personne-ici")
    assert "Il n\u2019y a pas d\u2019utilisateur &#39;personne-ici&#39;." in answer.text
    other = client(bob)
    other.headers["accept-language"] = "fr"
    assert (
        f"impossible de regarder dans le groupe {group}"
        in other.get(f"/groups/show/{group}").text
    )
    program = other.get(f"/groups/show/{group}", headers={"accept": "application/json"})
    assert program.text == f"PermissionDenied: can't look into the group {group}\n"


@pytest.mark.web
def test_what_the_page_is_refused_is_told_in_french(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    with open_space(site, alice) as space:
        space.folder("data")
        space.put("data/a.txt")
        space.change("data/a.txt", locked=True)
        page = browse(visit, alice, space.page, language="fr-CA")
        row(page, "data").click(position={"x": 600, "y": 10})
        page.get_by_role("button", name="Supprimer", exact=True).click()
        expect(page.locator(".toast")).to_contain_text(
            f"impossible de supprimer /{alice.name}/data : il contient des éléments verrouillés"
        )
