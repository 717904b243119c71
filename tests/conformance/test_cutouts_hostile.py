"""Files that are not what they claim, asked for parts: said so, and the server lives."""

import gzip
import secrets
from collections.abc import Iterator

import httpx
import pytest
from astropy.io import fits

from tests.support.fits_files import SAMPLES, file_of, image, pixels
from tests.support.space import Space

PARTS = ({"SUB": "[0][1:9,1:9]"}, {"SUB": "[1]"}, {"CIRCLE": "180 0 1"}, {"META": "true"})


@pytest.fixture
def owner(shared_space: Space) -> Iterator[httpx.Client]:
    with shared_space.client(shared_space.owner) as client:
        client.follow_redirects = True
        yield client


def lying(*cards: tuple[str, object]) -> bytes:
    """A header that promises what does not follow."""
    return bytes(fits.Header([("SIMPLE", True), *cards]).tostring().encode())


BROKEN = {
    "text": b"this is no FITS file\n" * 300,
    "zeros": bytes(5760),
    "the word alone": b"SIMPLE",
    "half a header": image()[:1000],
    "no end": b"SIMPLE  =                    T".ljust(80) * 400,
    "cut off": image()[:6000],
    "endless": lying(("BITPIX", -64), ("NAXIS", 2), ("NAXIS1", 1 << 50), ("NAXIS2", 1 << 50)),
    "negative": lying(("BITPIX", 16), ("NAXIS", 2), ("NAXIS1", -5), ("NAXIS2", 5)),
    "many axes": lying(("BITPIX", 8), ("NAXIS", 999)),
    "no such bits": lying(("BITPIX", 17), ("NAXIS", 2), ("NAXIS1", 5), ("NAXIS2", 5)),
    "text for a number": lying(("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", "many")),
    "a bomb": gzip.compress(b"SIMPLE  =                    T".ljust(80) + bytes(50 << 20)),
    "half a gzip": gzip.compress(image())[:500],
    "random": b"SIMPLE  =" + secrets.token_bytes(9000),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_a_clear_refusal(
    owner: httpx.Client, folder: str, content: bytes, shared_space: Space
) -> None:
    """Contract 5 row 51: a part of something that is not FITS is 4xx, never 500, or cut off."""
    path = f"/vault/files/{folder}/x.fits"
    owner.put(path, content=content).raise_for_status()
    for part in PARTS:
        try:
            answer = owner.get(path, params=part)
        except httpx.RemoteProtocolError:
            continue  # the headers were right and the pixels missing: the answer is cut
        assert answer.status_code in {200, 204, 400}, answer.text
        if answer.status_code == 400:
            assert answer.text.startswith(("InvalidData: ", "InvalidArgument: "))
            assert answer.text.count("\n") == 1
    assert owner.get(path).content == content
    assert "Traceback" not in shared_space.server.log


@pytest.mark.parametrize(
    "name", ["invalid", "verify.fits", "random_groups.fits", "variable_length_table.fits"]
)
def test_odd_files_of_others_do_no_harm(owner: httpx.Client, folder: str, name: str) -> None:
    """Contract 2.5: real files beyond the usual are cut, or refused with a reason."""
    found = SAMPLES / name
    files = sorted(found.iterdir()) if found.is_dir() else [found]
    for file in files:
        path = f"/vault/files/{folder}/{file.name}"
        owner.put(path, content=file.read_bytes()).raise_for_status()
        for part in PARTS:
            assert owner.get(path, params=part).status_code in {200, 204, 400}


def test_a_client_that_leaves_frees_the_worker(shared_space: Space, folder: str) -> None:
    """Contract 2.5: parts that nobody takes don't keep others from being made."""
    content = file_of(fits.PrimaryHDU(pixels(3000, 4000)))
    path = f"/vault/files/{folder}/x.fits"
    with shared_space.client(shared_space.owner) as client:
        client.put(path, content=content).raise_for_status()
        url = client.get(path).headers["location"]
        for _ in range(8):
            with httpx.stream("GET", url, params={"SUB": "[-*,*]"}, timeout=30) as answer:
                assert answer.status_code == 200
        part = httpx.get(url, params={"SUB": "[1:5,1:5]"}, timeout=30)
    assert part.status_code == 200


def test_an_empty_file_has_no_part(owner: httpx.Client, folder: str) -> None:
    """Contract 2.5: a part of nothing is 204, as the whole is."""
    owner.put(f"/vault/files/{folder}/x.fits", content=b"").raise_for_status()

    answer = owner.get(f"/vault/files/{folder}/x.fits", params={"SUB": "[0]"})

    assert answer.status_code == 204


def test_a_part_needs_the_right_to_read(shared_space: Space, folder: str) -> None:
    """Contract 2.5: who may not read a file may not read a part or the headers of it."""
    path = f"/vault/files/{folder}/x.fits"
    with shared_space.client(shared_space.owner) as client:
        client.put(path, content=image()).raise_for_status()
    with shared_space.client(shared_space.stranger) as stranger:
        for part in PARTS:
            assert stranger.get(path, params=part).status_code == 403
