"""Views, protocols and capabilities of nodes: told by URI, filled in by the service."""

import re
from functools import partial

import httpx
import pytest

from tests.support.space import Space
from tests.vospace_server.http.documents import (
    CORE,
    container,
    endpoints_of,
    node,
    transfer,
)
from tests.vospace_server.http.test_upload_wire import eventually

BYTES = bytes(range(256)) * 40


@pytest.fixture
def file(owner: httpx.Client, folder: str) -> str:
    """An UnstructuredDataNode with bytes of every value."""
    path = f"{folder}/x"
    owner.put(
        f"/vault/nodes/{path}", content=node(path, "UnstructuredDataNode")
    ).raise_for_status()
    owner.put(f"/vault/files/{path}", content=BYTES).raise_for_status()
    return path


def told(document: str, part: str) -> list[str]:
    """The URIs in a part of a document."""
    inside = document.partition(f"<vos:{part}>")[2].partition(f"</vos:{part}>")[0]
    return re.findall(r'uri="([^"]*)"', inside)


def test_bytes_come_back_as_they_were_sent(owner: httpx.Client, file: str) -> None:
    """Compliance row 6: an unstructured node is not looked into."""
    answer = owner.get(f"/vault/files/{file}", follow_redirects=True)

    assert answer.content == BYTES
    assert 'xsi:type="vos:UnstructuredDataNode"' in owner.get(f"/vault/nodes/{file}").text


def test_the_service_says_what_a_node_accepts_and_provides(
    owner: httpx.Client, folder: str
) -> None:
    """Compliance rows 8, 19, 21 and 43: whatever the document of the client said."""
    path = f"{folder}/x"
    claimed = node(
        path,
        "DataNode",
        inner='<vos:accepts><vos:view uri="urn:mine"/></vos:accepts>'
        '<vos:provides><vos:view uri="urn:mine"/></vos:provides>',
    )

    owner.put(f"/vault/nodes/{path}", content=claimed).raise_for_status()
    empty = owner.get(f"/vault/nodes/{path}").text
    owner.put(f"/vault/files/{path}", content=b"x").raise_for_status()
    full = owner.get(f"/vault/nodes/{path}").text

    assert {f"{CORE}anyview", f"{CORE}binaryview"} <= set(told(empty, "accepts"))
    assert told(empty, "provides") == []
    assert {f"{CORE}defaultview", f"{CORE}binaryview"} <= set(told(full, "provides"))
    assert "urn:mine" not in empty + full


@pytest.mark.parametrize("view", ["defaultview", "binaryview", "anyview"])
def test_plain_views_take_and_give_bytes_as_they_are(
    owner: httpx.Client, file: str, view: str
) -> None:
    """Compliance rows 23, 24 and 27: by the endpoints of negotiated protocols."""
    for direction, protocol in (
        ("pushToVoSpace", "httpput"),
        ("pullFromVoSpace", "httpget"),
    ):
        document = transfer(file, direction, protocols=(protocol,), view=f"{CORE}{view}")
        details = owner.post("/vault/synctrans", content=document, follow_redirects=True)
        assert f'<vos:protocol uri="{CORE}{protocol}"' in details.text
        [endpoint] = endpoints_of(details.text)
        if protocol == "httpput":
            owner.put(endpoint, content=BYTES[::-1]).raise_for_status()
        else:
            assert owner.get(endpoint).content == BYTES[::-1]


def test_views_and_protocols_are_told_apart_by_their_uris(
    owner: httpx.Client, file: str
) -> None:
    """Compliance rows 19, 20, 31 and 65: one that is not served is a fault with its name."""
    for document, fault in (
        (
            transfer(file, "pullFromVoSpace", protocols=("httpget",), view="urn:other"),
            "ViewNotSupported",
        ),
        (
            transfer(file, "pullFromVoSpace", protocols=("carrierpigeon",)),
            "ProtocolNotSupported",
        ),
    ):
        job = owner.post("/vault/transfers?PHASE=RUN", content=document).headers["location"]
        assert eventually(partial(_has_failed, owner, job))
        assert owner.get(f"{job}/error").text.startswith(fault)


def _has_failed(client: httpx.Client, job: str) -> bool:
    return client.get(f"{job}/phase").text == "ERROR"


def test_containers_are_spaces_themselves(
    shared_space: Space, owner: httpx.Client, file: str, folder: str
) -> None:
    """Compliance rows 7, 15, 16 and 18: the standard capability, with the service's address."""
    inner = f"{folder}/c"
    owner.put(f"/vault/nodes/{inner}", content=container(inner)).raise_for_status()
    text = owner.get(f"/vault/nodes/{folder}").text

    offer = (
        f'<vos:capabilities><vos:capability uri="{CORE}vospace-2.1">'
        f"<vos:endpoint>{shared_space.server.root_url}/vault</vos:endpoint>"
        "</vos:capability></vos:capabilities>"
    )
    # The folder and the one in it; not the file.
    assert text.count(offer) == 2
    assert "vos:capabilities" not in owner.get(f"/vault/nodes/{file}").text
    assert "vos:capabilities" not in owner.get(f"/vault/nodes/{folder}?detail=properties").text
