"""`doctor`: a sound space is called sound, each defect is found, and nothing is changed."""

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.vospace_server.cli.conftest import Program, environment, run_program
from vospace_server.database.schema import NEWEST_REVISION


def lines_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What it says of each subject."""
    findings: dict[str, str] = {}
    for line in done.stdout.splitlines():
        verdict, _, rest = line.partition(" ")
        if verdict in {"ok", "warn", "FAIL"}:
            subject, _, text = rest.strip().partition(": ")
            findings[subject] = f"{verdict} {text}"
    return findings


def test_a_new_space_is_not_made_by_looking(program: Program, data_dir: Path) -> None:
    done = program("doctor")

    findings = lines_of(done)
    assert done.returncode == 0
    assert findings["data directory"] == f"warn {data_dir} does not exist"
    assert findings["database"] == "warn there is none yet"
    assert findings["storage"] == "warn there is none yet"
    assert not data_dir.exists()


def test_a_sound_space_is_called_sound(program: Program, data_dir: Path) -> None:
    program("user", "add", "ann", "--admin", "--password-stdin", stdin="secret-12\n")
    (data_dir / "storage").mkdir()

    done = program("doctor")

    findings = lines_of(done)
    assert done.returncode == 0
    assert findings["versions"].startswith("ok Python 3.")
    assert findings["data directory"] == f"ok {data_dir} is writable and private"
    assert findings["secrets"] == "ok database and keys are closed to others"
    assert findings["database"] == f"ok answers, schema {NEWEST_REVISION}"
    assert findings["accounts"] == "ok 1 users, administered by ann"
    assert findings["storage"].startswith("ok stored, synced, linked, read and deleted")
    assert [path for path in (data_dir / "storage").rglob("*") if path.is_file()] == []


def test_files_that_others_can_read_are_a_failure(program: Program, data_dir: Path) -> None:
    program("user", "add", "ann", "--no-password")
    data_dir.chmod(0o755)
    (data_dir / "vospace.sqlite").chmod(0o644)

    done = program("doctor")

    findings = lines_of(done)
    assert done.returncode == 1
    assert findings["data directory"].startswith("warn others can look into")
    assert findings["secrets"].startswith(f"FAIL others can read {data_dir}/vospace.sqlite")
    assert f"      -> chmod 600 {data_dir}/vospace.sqlite" in done.stdout


def test_a_space_without_administrator_is_worth_a_line(furnished: Program) -> None:
    findings = lines_of(furnished("doctor"))

    assert findings["accounts"] == "warn 1 users, no administrator"


def test_a_file_that_is_no_database_is_a_failure(program: Program, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "vospace.sqlite").write_text("this is no database, but it is long enough" * 9)

    done = program("doctor")

    assert done.returncode == 1
    assert lines_of(done)["database"] == (
        "FAIL the database can't be used: file is not a database"
    )


def test_an_unreachable_database_is_a_failure() -> None:
    done = run_program(
        "doctor", "--database-url", "postgresql+psycopg://127.0.0.1:1/d",
        "--storage-url", "memory:",
    )  # fmt: skip

    assert done.returncode == 1
    assert lines_of(done)["database"].startswith("FAIL the database can't be used: ")


def test_a_port_in_use_is_worth_a_line(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "vospace_server", "doctor", "--data-dir", "/nowhere"],
            env=environment(VOSPACE_SERVER_PORT=str(port)),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert lines_of(done)["port"] == f"warn port {port} of 127.0.0.1 is in use"


@pytest.mark.parametrize(
    ("days", "status", "start"),
    [
        (365, 0, "ok {cert} is valid for 36"),
        (3, 0, "warn {cert} expires in 3"),
        (-1, 1, "FAIL"),
    ],
)
def test_a_certificate_is_looked_at_before_clients_do(
    tmp_path: Path, days: int, status: int, start: str
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    issued = trustme.CA().issue_cert("localhost", not_after=ends)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    issued.cert_chain_pems[0].write_to_path(str(cert))
    key.chmod(0o600)

    done = run_program(
        "doctor", "--data-dir", str(tmp_path / "space"),
        VOSPACE_SERVER_TLS_CERT=str(cert), VOSPACE_SERVER_TLS_KEY=str(key),
    )  # fmt: skip

    assert lines_of(done)["certificate"].startswith(start.format(cert=cert))
    assert done.returncode == status


def test_a_place_that_cannot_be_written_is_a_failure_and_no_crash() -> None:
    done = run_program("doctor", "--data-dir", "/proc")

    assert (done.returncode, done.stderr) == (1, "")
    assert any(finding.startswith("FAIL") for finding in lines_of(done).values())
