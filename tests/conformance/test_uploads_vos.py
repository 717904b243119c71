"""The unmodified `vos` client: large uploads, resumed downloads, and parts of FITS files."""

import hashlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.support.fits_files import image, mosaic, opened, pixels, sky_header, sky_of
from tests.support.space import Space
from tests.support.vos import VosClient

pytestmark = pytest.mark.timeout(300)
MIB = 1 << 20

# The client sends segments from 5 GiB on, of 2 GiB each. Both are constants of its library;
# lower ones make it do the same with files that a test can afford.
SEGMENTED = """
    import sys
    from cadcutils.net import ws
    from vos import Client
    ws.FILE_SEGMENT_THRESHOLD = 6 << 20
    ws.PREFERRED_SEGMENT_SIZE = 1 << 20
    token, source, target = sys.argv[1:]
    Client(vospace_token=token).copy(source, target)
"""


@pytest.fixture
def vos(tmp_path: Path, shared_space: Space) -> VosClient:
    """The client, led to our server by the cache of its registry (contract 0.1)."""
    client = VosClient.led_to(shared_space.server.url, tmp_path / "home")
    # The short form `vos:PATH`, which alone takes cutouts, means CADC's service by itself.
    registry = client.home / ".config" / "cadc-registry" / "resource-caps"
    kept = registry.stat().st_mtime
    line = registry.read_text()
    registry.write_text(f"{line}{line.replace('ivo://localhost', 'ivo://cadc.nrc.ca')}")
    os.utime(registry, (kept, kept))
    return client.with_token(shared_space.owner)


def stored(space: Space, path: str) -> bytes:
    with space.client(space.owner) as client:
        answer = client.get(f"/vault/files/{path}", follow_redirects=True)
        return answer.raise_for_status().content


def put(space: Space, path: str, content: bytes) -> str:
    """Store a file; gives its short URI for the client."""
    with space.client(space.owner) as client:
        client.put(f"/vault/files/{path}", content=content).raise_for_status()
    return f"vos:{path}"


@contextmanager
def public(space: Space, *paths: str) -> Iterator[None]:
    """Everybody may read these for a while."""
    with space.client(space.owner) as client:
        for path in paths:
            client.patch(f"/api/v1/nodes/{path}", json={"public": True}).raise_for_status()
        try:
            yield
        finally:
            client.patch("/api/v1/nodes/durand", json={"public": False}).raise_for_status()


def transactions(space: Space) -> int:
    """How many transactions the server has begun, as its log of requests tells."""
    return space.server.log.count(" status=202 ")


def test_a_file_over_5_mib_goes_in_a_transaction(
    vos: VosClient, folder: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 7-15: vcp of more than 5 MiB starts and commits; replaced the same way."""
    local = tmp_path / "large"
    for content in (os.urandom(6 * MIB), os.urandom(7 * MIB)):
        local.write_bytes(content)
        before = transactions(shared_space)
        vos("vcp", str(local), f"vos://localhost~vault/{folder}/large")
        assert transactions(shared_space) == before + 1
        assert stored(shared_space, f"{folder}/large") == content
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    with shared_space.client(shared_space.owner) as client:
        assert f">{md5}<" in client.get(f"/vault/nodes/{folder}/large").text


def test_a_file_over_5_gib_goes_in_segments(
    vos: VosClient, folder: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 2.5: the client's segments, each as long as the server announces at least."""
    local = tmp_path / "huge"
    content = os.urandom(13 * MIB + 7)
    local.write_bytes(content)
    before = transactions(shared_space)
    token = shared_space.owner.token

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SEGMENTED), token, str(local),
         f"vos://localhost~vault/{folder}/huge"],
        env={"HOME": str(vos.home), "PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},
        capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Starting transaction" in done.stdout
    # A start and three segments of 5 MiB at most.
    assert transactions(shared_space) == before + 4
    assert stored(shared_space, f"{folder}/huge") == content


def test_a_download_that_broke_off_is_resumed(
    vos: VosClient, folder: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 5 row 57; Contract 2.5: vcp goes on with a .part file by a range, and finds the
    digest right."""
    content = os.urandom(3 * MIB)
    uri = put(shared_space, f"{folder}/f", content)
    target = tmp_path / "back"
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    for name in (f"back-{md5}.part", "back.part", f"{md5}.part"):
        (tmp_path / name).write_bytes(content[:MIB])

    vos("vcp", uri, str(target))

    assert target.read_bytes() == content


def test_vcp_cuts_a_section(
    vos: VosClient, folder: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 2.5: vcp 'vos:x.fits[1][1:10,1:10]' gives these pixels of this extension."""
    uri = put(shared_space, f"{folder}/x.fits", mosaic())
    target = tmp_path / "part.fits"

    vos("vcp", f"{uri}[2][1:10,5:8]", str(target))

    (hdu,) = opened(target.read_bytes())
    assert hdu.header["EXTVER"] == 2
    assert np.array_equal(hdu.data, pixels(50, 60, dtype="float32")[4:8, :10])


def test_vcp_cuts_a_circle(
    vos: VosClient, folder: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 2.5: vcp "vos:x.fits(ra,dec,radius)" gives the pixels around a place."""
    uri = put(shared_space, f"{folder}/x.fits", image())
    ra, dec = sky_of(sky_header(100, 80), 40, 30)
    target = tmp_path / "part.fits"

    vos("vcp", f"{uri}({ra:.6f},{dec:.6f},0.05)", str(target))

    (hdu,) = opened(target.read_bytes())
    assert hdu.data.shape == (11, 11)
    assert np.allclose(sky_of(hdu.header, 6, 6), (ra, dec), atol=1e-5)


def test_vcp_leaves_nothing_of_a_part_that_can_not_be(
    vos: VosClient, folder: str, tmp_path: Path, shared_space: Space
) -> None:
    """Contract 2.5: a part that there is not is an error of vcp, and no file."""
    uri = put(shared_space, f"{folder}/x.fits", image())
    target = tmp_path / "part.fits"

    done = vos.run("vcp", f"{uri}[9][1:10,1:10]", str(target))

    assert done.returncode != 0
    assert "x.fits" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not target.exists()


def test_vcat_shows_headers(vos: VosClient, folder: str, shared_space: Space) -> None:
    """Contract 2.5: vcat --head prints a file's header (of what is public, contract 2.8)."""
    uri = put(shared_space, f"{folder}/x.fits", image())
    with public(shared_space, "durand", folder, f"{folder}/x.fits"):
        printed = vos("vcat", "--head", uri)

    assert printed.startswith("SIMPLE  =                    T")
    assert "CTYPE1  = 'RA---TAN'" in printed
