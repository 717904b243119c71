"""docs/operations.md is true: its commands are understood, its backup is made and restored."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.space import SpaceServer, User, add_user
from vospace_server.commands.arguments import build_parser
from vospace_server.http.metrics import RequestMetrics
from vospace_server.storage import s3_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    line for block in BLOCKS for line in block.splitlines() if line.startswith("vospace-server")
]


def test_every_command_on_the_page_is_understood() -> None:
    for line in COMMANDS:
        words = shlex.split(line.partition(" | ")[0])
        build_parser().parse_args(words[1:])

    assert len(COMMANDS) > 15


def test_every_file_that_the_page_names_is_there() -> None:
    targets = re.findall(r"\]\((\.\./[^)#]+)\)", PAGE)
    # The table of measurements is written by the benchmarks.
    expected = [name for name in targets if not name.endswith("RESULTS.md")]

    assert [name for name in expected if not (ROOT / "docs" / name).exists()] == []
    assert len(expected) == 8


def test_every_metric_on_the_page_is_told() -> None:
    metrics = RequestMetrics()
    metrics.count(
        method="GET", route="/x", status=200, seconds=0.1, received_bytes=1, sent_bytes=1
    )
    told = metrics.render().decode()

    named = re.findall(r"`(vospace_\w+)(?:\{([\w,]+)\})?`", PAGE)

    assert len(named) == 4
    for name, labels in named:
        [line] = re.findall(rf"^{name}(?:\{{.*\}})? ", told, re.MULTILINE)[:1]
        assert set(re.findall(r'(\w+)="', line)) == set(filter(None, labels.split(",")))


def test_the_options_of_a_bucket_are_the_ones_that_exist() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE, re.MULTILINE))
    options = {name: rows[name] for name in s3_settings._OPTIONS}

    assert options["region"] == f"`{s3_settings.DEFAULT_REGION}`"
    assert options["part"] == f"`{s3_settings.DEFAULT_PART_BYTES >> 20}MiB`"
    assert s3_settings.DEFAULT_PART_BYTES * s3_settings.MAX_PARTS == 156.25 * 2**30


def steps(name: str, folders: dict[str, Path]) -> None:
    """Run a block of the page, with folders of the test for those of the page."""
    [script] = [block for block in BLOCKS if block.startswith(f"# {name}\n")]
    for said, here in folders.items():
        script = script.replace(said, str(here))
    script = re.sub(
        r"^vospace-server", f"{sys.executable} -m vospace_server", script, flags=re.MULTILINE
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("VOSPACE_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def content_of(server: SpaceServer, owner: User, name: str) -> bytes | None:
    with httpx.Client(base_url=server.root_url, headers=owner.bearer, timeout=30) as client:
        found = client.get(f"/vault/files/durand/{name}", follow_redirects=True)
    return found.content if found.status_code == 200 else None


@pytest.mark.timeout(180)
def test_a_backup_of_a_running_server_is_restored_as_it_was(tmp_path: Path) -> None:
    server = SpaceServer(data_dir=tmp_path / "space")
    folders = {"/srv/space": tmp_path / "restored", "/backup": tmp_path / "backup"}
    with server:
        owner = add_user(server, "durand")
        server.administer("allocation", "add", "durand", "--owner", "durand", "--quota", "1GiB")
        headers = owner.bearer
        with httpx.Client(base_url=server.root_url, headers=headers, timeout=30) as client:
            for name in ("kept", "replaced", "deleted"):
                client.put(f"/vault/files/durand/{name}", content=f"first {name}".encode())
            steps("backup", {**folders, "/srv/space": server.data_dir})
            client.put("/vault/files/durand/replaced", content=b"second")
            client.delete("/vault/nodes/durand/deleted")
            client.put("/vault/files/durand/later", content=b"later")
            steps("backup", {**folders, "/srv/space": server.data_dir})
            client.put("/vault/files/durand/lost", content=b"after the backup")

    steps("restore", folders)

    with SpaceServer(data_dir=tmp_path / "restored") as restored:
        assert content_of(restored, owner, "kept") == b"first kept"
        assert content_of(restored, owner, "replaced") == b"second"
        assert content_of(restored, owner, "later") == b"later"
        assert content_of(restored, owner, "deleted") is None
        assert content_of(restored, owner, "lost") is None
        assert "nothing is wrong" in restored.administer("fsck")


def test_readiness_and_life_are_what_the_page_says(tmp_path: Path) -> None:
    with SpaceServer(data_dir=tmp_path / "space") as server:
        alive = httpx.get(f"{server.root_url}/healthz")
        ready = httpx.get(f"{server.root_url}/readyz")
        numbers = httpx.get(f"{server.root_url}/metrics")
        os.kill(server.pid, signal.SIGTERM)

    assert (alive.status_code, ready.status_code) == (200, 200)
    assert 'vospace_requests_total{method="GET",route="/readyz",status="200"}' in numbers.text
    assert "method=GET path=/healthz status=200 user=" in server.log
    assert alive.headers["x-request-id"] in server.log
