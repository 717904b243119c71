"""`upgrade`, `gc` and `fsck` on a real space, beside a server that runs."""

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.vospace_server.cli.conftest import Program, Serving, serving
from vospace_server.database.schema import NEWEST_REVISION

ANN = ("ann", "secret-12")


@pytest.fixture
def server(furnished: Program, data_dir: Path) -> Iterator[Serving]:
    """A running server in which ann has the allocation /ann."""
    furnished("allocation", "add", "ann", "--owner", "ann", "--quota", "1GiB")
    with serving(data_dir) as server:
        yield server


def put(server: Serving, name: str, content: bytes) -> None:
    answer = httpx.put(f"{server.url}/vault/files/ann/{name}", content=content, auth=ANN)
    assert answer.status_code in {200, 201}, answer.text


def read(server: Serving, name: str) -> bytes:
    url = f"{server.url}/vault/files/ann/{name}"
    return httpx.get(url, auth=ANN, follow_redirects=True).raise_for_status().content


def objects(data_dir: Path) -> list[Path]:
    return [path for path in (data_dir / "storage" / "objects").rglob("*") if path.is_file()]


def eventually(fact: Callable[[], bool]) -> bool:
    """Whether it becomes true within ten seconds: other threads remove deleted trees."""
    deadline = time.monotonic() + 10
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.1)
    return fact()


def test_upgrade_makes_the_tables_once(program: Program) -> None:
    first = program("upgrade")
    second = program("upgrade")

    assert first.stdout == f"the database now has schema {NEWEST_REVISION} (before: none)\n"
    assert second.stdout == f"the database has the newest schema already ({NEWEST_REVISION})\n"


def test_gc_spares_what_is_young_and_what_is_in_use(
    server: Serving, program: Program, data_dir: Path
) -> None:
    put(server, "kept", b"kept")
    put(server, "replaced", b"old")
    put(server, "replaced", b"new")
    assert len(objects(data_dir)) == 3

    spared = program("gc")
    assert (spared.returncode, spared.stderr) == (0, "")
    assert len(objects(data_dir)) == 3

    removed = program("gc", "--grace", "0s")
    assert "removed 1 objects (3 B)" in removed.stdout
    assert len(objects(data_dir)) == 2
    assert (read(server, "kept"), read(server, "replaced")) == (b"kept", b"new")


def test_gc_removes_what_was_deleted(server: Serving, program: Program, data_dir: Path) -> None:
    put(server, "f", b"content")
    httpx.delete(f"{server.url}/vault/nodes/ann/f", auth=ANN).raise_for_status()

    def is_empty() -> bool:
        done: subprocess.CompletedProcess[str] = program("gc", "--grace", "0s")
        assert done.returncode == 0, done.stderr
        return not objects(data_dir)

    assert eventually(is_empty)


def test_fsck_finds_nothing_in_a_sound_space_that_is_in_use(
    server: Serving, program: Program
) -> None:
    put(server, "f", b"content")

    done = program("fsck")

    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing is wrong\n", "")


def test_fsck_finds_a_byte_that_has_changed_on_the_disk(
    server: Serving, program: Program, data_dir: Path
) -> None:
    put(server, "f", b"content")
    damaged = objects(data_dir)[0]
    damaged.chmod(0o600)
    damaged.write_bytes(b"c0ntent")

    done = program("fsck")

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "damaged-object /ann/f: its digest is not that of what was stored",
        "1 things are wrong, 0 of them repaired",
    ]
    assert program("fsck", "--quick").returncode == 0


def test_fsck_repairs_a_quota_that_counts_wrongly(
    server: Serving, program: Program, data_dir: Path
) -> None:
    put(server, "f", b"content")
    with closing(sqlite3.connect(data_dir / "vospace.sqlite")) as database:
        database.execute("UPDATE quota_slot SET used_bytes = used_bytes + 5 WHERE slot = 0")
        database.commit()

    found = program("fsck")
    repaired = program("fsck", "--repair")
    after = program("fsck")

    wrong = "wrong-usage /ann: the allocation counts 12 bytes in 1 files, there are 7 in 1"
    assert (found.returncode, found.stdout.splitlines()[0]) == (1, wrong)
    assert (repaired.returncode, repaired.stdout.splitlines()[0]) == (0, f"{wrong} (repaired)")
    assert (after.returncode, after.stdout) == (0, "nothing is wrong\n")


@pytest.mark.parametrize("text", ["", "soon", "1", "-1h", "1.5h", "1w"])
def test_a_grace_that_is_no_time_is_misuse(furnished: Program, text: str) -> None:
    done = furnished("gc", f"--grace={text}")

    assert done.returncode == 2
    assert done.stderr == f"vospace-server: {text!r} is not a time such as 24h, 90m, 7d\n"
