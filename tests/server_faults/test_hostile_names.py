"""Names that are legal and awkward: the same bytes through every door and every output."""

import json
import re
import unicodedata
from html import unescape
from urllib.parse import quote, unquote

import httpx
import pytest

from tests.support.space import Space
from tests.vospace_server.http.documents import CORE, container, data, transfer
from vospace_model.uris import VosUri

NAMES = [
    " ", "  two  spaces  ", " leading", "trailing ", "\u00a0", "x\u00a0",
    "\u3000wide\u3000", "x\u2028y", "x\u2029y", "a+b", "a%2Fb", "%", "%%", "100%",
    "%2e%2e", "%00", "..%2f..", "#", "?", "a?b#c", "&amp;", "&lt;script&gt;",
    "<script>alert(1)<script>", '"quoted"', "'single'", "back\\slash", "..\\..", "C:",
    "con", "nul.", ".hidden", "...", "-rf", "--help", "~", "~user", "$(id)", "`id`",
    ";ls", "|", "a:b@c", "[1]", "{x}", "*", "\u00e9", "e\u0301", "\u202egpj.exe",
    "\ufeffbom", "\u200bzero", "名前", "🔭", "a" * 255, "\u00e9" * 127, "]]>",
    "<!DOCTYPE x>", "..\u2215x", 'filename="x"; y', "UTF-8''x", "null", "true",
    '{"end":true}', "\ufffd", "\U000e0001", "ivo:", "vos:", "NodeNotFound:",
]  # fmt: skip


@pytest.fixture(scope="module")
def gallery(shared_space: Space) -> str:
    """A folder with a file of each name, whose content is the name."""
    path = "durand/gallery"
    with shared_space.client(shared_space.owner) as client:
        client.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()
        for name in NAMES:
            address = f"/vault/files/{path}/{quote(name, safe='')}"
            client.put(address, content=name.encode()).raise_for_status()
    return path


def test_every_name_is_listed_as_it_is(owner: httpx.Client, gallery: str) -> None:
    """Contract 7-22: a gallery of names in one listing."""
    lines = owner.get(f"/api/v1/children/{gallery}").text.split("\n")
    in_json = {json.loads(line).get("name") for line in lines[1:-2]}
    document = owner.get(f"/vault/nodes/{gallery}").content.decode()
    uris = re.findall(r'<vos:node uri="([^"]*)"', document.partition("<vos:nodes>")[2])
    in_xml = {VosUri.parse(unescape(uri)).name for uri in uris}

    assert set(NAMES) <= in_json
    assert set(NAMES) <= in_xml


def test_no_two_spellings_of_a_letter_are_one_name() -> None:
    composed = [name for name in NAMES if unicodedata.normalize("NFC", name) == "é"]

    assert len(composed) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_to_its_file_through_every_door(
    owner: httpx.Client, gallery: str, name: str
) -> None:
    """Contract 7-22: nodes, files, transfers and JSON."""
    path = f"{gallery}/{quote(name, safe='')}"
    read = owner.get(f"/vault/files/{path}", follow_redirects=True)
    assert read.content == name.encode()
    assert saved_as(read.headers["content-disposition"]) == name

    entry = owner.get(f"/api/v1/nodes/{path}?ticket=true").json()
    assert entry["name"] == name
    assert owner.get(entry["data"]).content == name.encode()

    shown = owner.get(f"/vault/nodes/{path}").content.decode()
    uri = re.search(r'uri="([^"]*)"', shown)
    assert uri is not None
    assert VosUri.parse(unescape(uri[1])).name == name
    same = data(gallery).replace(f"vos://localhost~vault/{gallery}", uri[1])
    assert owner.post(f"/vault/nodes/{path}", content=same.encode()).status_code == 200

    asked = transfer("X", "pullFromVoSpace", protocols=("httpget",))
    asked = asked.replace("vos://localhost!vault/X", uri[1])
    details = owner.post("/vault/synctrans", content=asked.encode(), follow_redirects=True)
    (endpoint,) = re.findall(r"<vos:endpoint>([^<]*)</vos:endpoint>", details.text)
    assert httpx.get(unescape(endpoint)).content == name.encode()


def saved_as(disposition: str) -> str:
    """The name that a browser takes from Content-Disposition (RFC 6266 with RFC 8187)."""
    assert disposition.isascii()
    exact = re.fullmatch(
        r"attachment; filename=\"[^\"\\]*\"; filename\*=UTF-8''(.*)", disposition
    )
    if exact is not None:
        return unquote(exact[1], errors="strict")
    plain = re.fullmatch(r'attachment; filename="([^"\\]*)"', disposition)
    assert plain is not None, disposition
    return plain[1]


@pytest.mark.parametrize("name", ["\u00a0", "x ", "<b>&amp;", "é", "100%"])
def test_a_name_is_deleted_and_moved_exactly(
    owner: httpx.Client, folder: str, name: str
) -> None:
    for sibling in (name, name.strip() or "blank", "other"):
        address = f"/vault/files/{folder}/{quote(sibling, safe='')}"
        owner.put(address, content=sibling.encode()).raise_for_status()
    moved = f"/{folder}/moved-{name}"
    answer = owner.post(
        "/api/v1/move", json={"source": f"/{folder}/{name}", "destination": moved}
    )

    assert answer.status_code == 200
    assert answer.json()["name"] == f"moved-{name}"
    read = owner.get(f"/vault/files{quote(moved)}", follow_redirects=True)
    assert read.content == name.encode()
    assert owner.delete(f"/vault/nodes{quote(moved)}").status_code == 200
    assert owner.get(f"/vault/files/{folder}/other", follow_redirects=True).text == "other"


def test_a_title_keeps_its_markup_as_text(owner: httpx.Client, folder: str) -> None:
    title = "<script>&amp;]]>\u202e\"'é\U0001f52d"
    owner.put(f"/vault/nodes/{folder}/t", content=data(f"{folder}/t", title=title).encode())

    shown = owner.get(f"/vault/nodes/{folder}/t").content.decode()
    found = re.search(rf'uri="{CORE}title"[^>]*>([^<]*)<', shown)

    assert found is not None
    assert unescape(found[1]) == title
