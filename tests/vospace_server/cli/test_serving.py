"""`serve` in a real process: what it prints, how it stops, why it does not start."""

import os
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from tests.vospace_server.cli.conftest import Program, run_program, serving


def test_it_says_what_it_serves_where_and_how_to_stop_it(data_dir: Path) -> None:
    with serving(data_dir) as server:
        answer = httpx.get(f"{server.url}/vault/capabilities")

        assert re.fullmatch(
            rf"vospace-server \S+ serves vos://localhost~vault from {data_dir}",
            server.introduction,
        )
        assert server.pid == server.process.pid
        assert answer.status_code == 200
        assert "server" not in answer.headers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_it_is_told_to(data_dir: Path, number: int) -> None:
    with serving(data_dir) as server:
        printed, logged = server.stop(number)

        assert server.process.returncode == 0
        assert printed == "stopped\n"
        assert "Traceback" not in logged


def test_a_running_upload_is_finished_before_it_stops(
    data_dir: Path, furnished: Program
) -> None:
    furnished("allocation", "add", "ann", "--owner", "ann", "--quota", "1GiB")
    with serving(data_dir) as server:
        half = threading.Event()

        def slow_body() -> Iterator[bytes]:
            yield b"first half, "
            half.set()
            time.sleep(1.5)
            yield b"second half"

        def stop_in_the_middle() -> None:
            half.wait(10)
            server.process.terminate()

        threading.Thread(target=stop_in_the_middle).start()
        answer = httpx.put(
            f"{server.url}/vault/files/ann/f", content=slow_body(), auth=("ann", "secret-12")
        )
        server.process.wait(20)

    assert answer.status_code == 201
    with serving(data_dir) as server:
        read = httpx.get(
            f"{server.url}/vault/files/ann/f", auth=("ann", "secret-12"), follow_redirects=True
        )
    assert read.text == "first half, second half"


def test_a_connection_that_idles_does_not_hold_up_the_stop(data_dir: Path) -> None:
    with serving(data_dir) as server:
        host = httpx.URL(server.url)
        with socket.create_connection((host.host, host.port or 0)), httpx.Client() as client:
            client.get(f"{server.url}/healthz")
            began = time.monotonic()
            server.stop()

        assert time.monotonic() - began < 5


def test_users_are_administered_while_it_runs(data_dir: Path, furnished: Program) -> None:
    furnished("allocation", "add", "ann", "--owner", "ann", "--quota", "1GiB")
    with serving(data_dir) as server:
        token = furnished("user", "token", "ann").stdout.splitlines()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        before = httpx.get(f"{server.url}/vault/nodes/ann", headers=headers)
        furnished("user", "disable", "ann")
        after = httpx.get(f"{server.url}/vault/nodes/ann", headers=headers)

    assert before.status_code == 200
    assert before.headers["x-vo-authenticated"] == "ann"
    assert after.status_code == 401
    assert after.text == "NotAuthenticated: the account 'ann' is disabled\n"


def test_several_workers_serve_and_stop_together(data_dir: Path) -> None:
    with serving(data_dir, "--workers", "2") as server:
        for _ in range(5):
            assert httpx.get(f"{server.url}/healthz").status_code == 200
        children = _children(server.process.pid)
        server.stop()

        assert len(children) >= 2
        assert server.process.returncode == 0
        # Python's own tracker of shared resources sees the end of its parent a moment later.
        assert _all_end(children, within_seconds=5)


def test_workers_end_when_their_supervisor_was_killed(data_dir: Path) -> None:
    with serving(data_dir, "--workers", "2") as server:
        children = _children(server.process.pid)
        server.process.kill()

        assert _all_end(children, within_seconds=15)


def test_tls_is_served_with_a_certificate(data_dir: Path, tmp_path: Path) -> None:
    authority, cert, key = _certificate(tmp_path)
    context = ssl.create_default_context()
    authority.configure_trust(context)

    with serving(data_dir, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        answer = httpx.get(f"{server.url}/vault/capabilities", verify=context)

        assert server.url.startswith("https://127.0.0.1:")
        assert answer.status_code == 200
        assert f'access_url="{server.url}/ac/login"' in answer.headers["www-authenticate"]


def test_requests_are_logged_without_credentials(data_dir: Path) -> None:
    with serving(data_dir) as server:
        httpx.get(f"{server.url}/vault/nodes/x?token=hidden", auth=("ann", "hidden"))
        _, logged = server.stop()

    assert "method=GET path=/vault/nodes/x status=401" in logged
    assert "hidden" not in logged


def test_the_log_of_requests_can_be_switched_off(data_dir: Path) -> None:
    with serving(data_dir, VOSPACE_LOGGING_REQUESTS="no") as server:
        httpx.get(f"{server.url}/healthz")
        _, logged = server.stop()

    assert "method=GET" not in logged


def test_a_port_in_use_is_named(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = program("serve", "--port", str(port))

    assert done.returncode == 1
    assert done.stderr == (
        f"vospace-server: port {port} of 127.0.0.1 is in use; choose another with --port\n"
    )


def test_a_data_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    done = run_program("serve", "--data-dir", str(file), "--port", "0")

    assert (done.returncode, done.stderr) == (1, f"vospace-server: {file}: File exists\n")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--host", "256.1.1.1"], 1, "can't listen on 256.1.1.1 port 0: "),
        (["--host", "192.0.2.1"], 1, "can't listen on 192.0.2.1 port 0: "),
        (["--storage-url", "ftp://x"], 2, "storage.url: no store is known for "),
        (
            ["--storage-url", "memory:", "--workers", "2"],
            2,
            "this object store serves one process; set server.workers to 1",
        ),
        (["--tls-cert", "/nowhere"], 2, "server.tls_cert and server.tls_key are only usable"),
        (
            ["--tls-cert", "/nowhere", "--tls-key", "/nowhere"],
            1,
            "can't use /nowhere with /nowhere: No such file or directory",
        ),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    program: Program, words: list[str], status: int, message: str
) -> None:
    done = program("serve", "--port", "0", *words)

    assert done.stderr.startswith(f"vospace-server: {message}")
    assert (done.returncode, done.stderr.count("\n")) == (status, 1)


def _certificate(folder: Path) -> tuple[trustme.CA, Path, Path]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = folder / "cert.pem", folder / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(cert), append=number > 0)
    return authority, cert, key


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def _all_end(pids: list[int], *, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while any(_is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(_is_alive(pid) for pid in pids)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended and waits for its parent to notice is not alive.
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
