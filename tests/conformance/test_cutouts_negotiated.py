"""Parts of FITS files that are asked for in a negotiation, and their HEAD by path."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest

from tests.support.fits_files import image, opened, pixels
from tests.support.space import Space
from tests.vospace_server.http.documents import endpoints_of, transfer

SECTION = "[1:5,1:5]"
VIEWS = "ivo://cadc.nrc.ca/vospace/view#"


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        client.follow_redirects = True
        yield client


@pytest.mark.parametrize(
    ("uri", "value"),
    [
        (f"{VIEWS}cutout", SECTION),
        (f"{VIEWS}cutout", f"SUB={SECTION}"),
        ("ivo://ivoa.net/std/SODA#SUB", SECTION),
        ("ivo://cadc.nrc.ca/vospace/core#sub", SECTION),
    ],
)
@pytest.mark.parametrize("door", ["synctrans", "transfers"])
def test_the_parameters_of_a_view_are_in_the_address(
    owner: httpx.Client, folder: str, uri: str, value: str, door: str
) -> None:
    """Contract 2.5: a cutout that is asked for in the transfer is what the address gives."""
    path = f"{folder}/x.fits"
    owner.put(f"/vault/files/{path}", content=image()).raise_for_status()
    document = _of_part(path, "cutout", **{uri: value})
    (url,) = _negotiated(owner, document, door)
    part = httpx.get(url)

    assert np.array_equal(opened(part.content)[0].data, pixels(80, 100)[:5, :5])
    assert part.headers["content-length"] == str(len(part.content)) != str(len(image()))
    # The client adds them to the address as well.
    assert httpx.get(f"{url}&{urlencode({'SUB': SECTION})}").content == part.content


def test_the_view_of_headers_gives_the_headers(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: the view of headers ends in an address of the headers."""
    path = f"{folder}/x.fits"
    owner.put(f"/vault/files/{path}", content=image()).raise_for_status()
    plain = owner.get(f"/vault/files/{path}", params={"META": "true"})
    (url,) = _negotiated(owner, _of_part(path, "header"))

    assert httpx.get(url).content == plain.content
    assert httpx.get(f"{url}&META=true").content == plain.content


def test_a_form_may_ask_for_a_part(owner: httpx.Client, folder: str) -> None:
    """Contract 1.6: SUB beside VIEW in the parameters of a transfer is in the address."""
    path = f"{folder}/x.fits"
    owner.put(f"/vault/files/{path}", content=image()).raise_for_status()
    core = "ivo://ivoa.net/vospace/core#"
    form = {
        "TARGET": f"vos://localhost~vault/{path}",
        "DIRECTION": "pullFromVoSpace",
        "PROTOCOL": f"{core}httpget",
        "SUB": SECTION,
        "REQUEST": "redirect",
    }
    part = owner.get("/vault/synctrans", params={**form, "VIEW": f"{VIEWS}cutout"})
    refused = owner.get("/vault/synctrans", params={**form, "VIEW": f"{core}defaultview"})

    assert np.array_equal(opened(part.content)[0].data, pixels(80, 100)[:5, :5])
    assert (refused.status_code, refused.text.partition(":")[0]) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({f"{VIEWS}cutout": "CIRCLE ICRS 10 20 1"}, "InvalidArgument"),
        ({f"{VIEWS}cutout": "[1:5"}, "InvalidArgument"),
        ({"urn:part": SECTION}, "InvalidArgument"),
        ({"x#SUB": SECTION, "x#CIRCLE": "1 2 3"}, "InvalidArgument"),
        ({"x#META": "false"}, "InvalidArgument"),
    ],
)
def test_a_part_that_can_not_be_is_refused_at_once(
    owner: httpx.Client, folder: str, params: dict[str, str], fault: str
) -> None:
    """Contract 2.5: parameters of a view are never ignored without a word."""
    path = f"{folder}/x.fits"
    owner.put(f"/vault/files/{path}", content=image()).raise_for_status()
    posted = owner.post(
        "/vault/synctrans",
        content=_of_part(path, "cutout", **params),
        follow_redirects=False,
    )
    job = posted.headers["location"].removesuffix("/results/transferDetails")

    assert _negotiated(owner, _of_part(path, "cutout", **params)) == []
    assert owner.get(f"{job}/error").text.partition(":")[0] == fault


def _of_part(path: str, view: str, **params: str) -> str:
    """A pull with a view of CADC's and its parameters."""
    uri = f"{VIEWS}{view}"
    document = transfer(path, "pullFromVoSpace", protocols=("httpget",), view=uri)
    given = "".join(f'<vos:param uri="{k}">{v}</vos:param>' for k, v in params.items())
    return document.replace(f'"{uri}"/>', f'"{uri}">{given}</vos:view>')


def _negotiated(owner: httpx.Client, document: str, door: str = "synctrans") -> list[str]:
    if door == "synctrans":
        details = owner.post("/vault/synctrans", content=document)
    else:
        made = owner.post("/vault/transfers?PHASE=RUN", content=document)
        job, phase = str(made.url), "QUEUED"
        while phase in {"QUEUED", "EXECUTING"}:
            owner.get(job, params={"WAIT": 20, "PHASE": phase})
            phase = owner.get(f"{job}/phase").text
        details = owner.get(f"{job}/results/transferDetails")
    return endpoints_of(details.text)


def test_a_head_of_a_part_by_path_leads_to_the_part(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: HEAD of a path with SUB has the length of the part, not of the whole."""
    path = f"/vault/files/{folder}/x.fits"
    owner.put(path, content=image()).raise_for_status()
    whole = owner.head(path, follow_redirects=False)
    first = owner.head(path, params={"SUB": SECTION}, follow_redirects=False)
    head = owner.head(path, params={"SUB": SECTION})
    got = owner.get(path, params={"SUB": SECTION})
    text = owner.head(path, params={"META": "true"})

    assert whole.headers["content-length"] == str(len(image()))
    assert (first.status_code, first.headers.get("content-length", "0")) == (303, "0")
    assert (head.status_code, got.status_code) == (200, 200)
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["content-type"] == got.headers["content-type"]
    assert text.headers["content-type"].startswith("text/plain")
