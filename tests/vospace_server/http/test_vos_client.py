"""The unmodified `vos` client of CADC against a real server (contract 0.1 and section 2)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.people import People

SPACE = "vos://localhost~vault"


class VosClient:
    """Runs commands of the client with a home directory of their own."""

    def __init__(self, home: Path, port: int, token: str) -> None:
        self._home = home
        self._token = token
        registry = home / ".config" / "cadc-registry" / "resource-caps"
        registry.parent.mkdir(parents=True)
        registry.write_text(
            f"ivo://localhost/vault = http://127.0.0.1:{port}/vault/capabilities\n"
        )
        # Its time lies in the future, so that the client never asks the real registry.
        os.utime(registry, (2**31 - 1, 2**31 - 1))

    def run(self, command: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name(command)), "--token", self._token, *words],
            env={"HOME": str(self._home), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def ok(self, command: str, *words: str) -> str:
        done = self.run(command, *words)
        assert done.returncode == 0, f"{command} {words}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def vos(tmp_path: Path, server: ServerThread, people: People) -> VosClient:
    return VosClient(tmp_path / "home", server.port, people.alice)


def test_files_go_in_and_come_out_again(vos: VosClient, folder: str, tmp_path: Path) -> None:
    place = f"{SPACE}/{folder}"
    contents = {"small": b"x" * 3000, "large": os.urandom(6_000_000), "empty": b""}

    vos.ok("vmkdir", "-p", f"{place}/a/b")
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        vos.ok("vcp", str(tmp_path / name), f"{place}/a/{name}")
        vos.ok("vcp", f"{place}/a/{name}", str(tmp_path / f"{name}.back"))

    assert vos.ok("vls", f"{place}/a").split() == ["b", "empty", "large", "small"]
    for name, content in contents.items():
        assert (tmp_path / f"{name}.back").read_bytes() == content


def test_nodes_are_moved_linked_locked_and_removed(
    vos: VosClient, folder: str, tmp_path: Path
) -> None:
    place = f"{SPACE}/{folder}"
    (tmp_path / "f").write_bytes(b"content")

    vos.ok("vcp", str(tmp_path / "f"), f"{place}/f")
    vos.ok("vmkdir", f"{place}/d")
    vos.ok("vmv", f"{place}/f", f"{place}/d")
    vos.ok("vln", f"{place}/d/f", f"{place}/l")
    vos.ok("vtag", f"{place}/d/f", "quality=good")
    vos.ok("vlock", f"{place}/d/f", "--lock")
    refused = vos.run("vrm", f"{place}/d/f")
    vos.ok("vlock", f"{place}/d/f", "--unlock")

    assert f"-> {place}/d/f" in vos.ok("vls", "-l", f"{place}/l")
    assert "good" in vos.ok("vtag", f"{place}/d/f")
    assert refused.returncode != 0
    assert "PermissionDenied" in refused.stdout + refused.stderr
    vos.ok("vrm", f"{place}/d/f")
    assert vos.ok("vls", f"{place}/d") == ""
    missing = vos.run("vmv", f"{place}/none", f"{place}/x")
    assert missing.returncode == 2
    assert "NodeNotFound" in missing.stdout + missing.stderr
