"""The parts of starting a mount that need no kernel."""

import os
from pathlib import Path

import pytest

from vofs.mount.announcement import PipeAnnouncer, await_outcome
from vofs.mount.control_protocol import (
    ControlAnswer,
    ControlError,
    ControlRequest,
    ask,
    runtime_folder,
    secure_folder,
    socket_path,
)
from vofs.mount.control_server import ControlServer
from vofs.mount.hst_environment import exports
from vofs.mount.status_text import human_size


def test_outcome_of_a_start_reaches_the_caller() -> None:
    for speak, error in (
        (lambda a: a.ready(), None),
        (lambda a: a.failed("no such node"), "no such node"),
    ):
        read_end, write_end = os.pipe()
        announcer = PipeAnnouncer(write_end)
        announcer.notice("read-only")
        speak(announcer)  # type: ignore[no-untyped-call]
        announcer.notice("nobody listens any more")
        outcome = await_outcome(read_end, seconds=5)
        assert (outcome.error, outcome.notices) == (error, ("read-only",))
        os.close(read_end)


def test_process_that_dies_or_hangs_is_noticed() -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    assert await_outcome(read_end, seconds=5).error == (
        "the process of the mount ended without a word"
    )
    os.close(read_end)
    read_end, write_end = os.pipe()
    assert await_outcome(read_end, seconds=0.05).error == "no mount within 0.05 s"
    os.close(read_end)
    os.close(write_end)


def test_requests_and_answers_cross_the_socket(tmp_path: Path) -> None:
    def handler(request: ControlRequest) -> dict[str, object]:
        if request.command == "refuse":
            raise ControlError("not today")
        return {"echo": list(request.paths)}

    path = socket_path(tmp_path, "/mnt")
    server = ControlServer(path, handler)
    server.start()
    request = ControlRequest(command="echo", paths=("/mnt/é",))
    assert ask(path, request, seconds=5) == {"echo": ["/mnt/é"]}
    with pytest.raises(ControlError, match="not today"):
        ask(path, ControlRequest(command="refuse"), seconds=5)
    server.close()
    with pytest.raises(ControlError, match="doesn't answer"):
        ask(path, request, seconds=5)


@pytest.mark.parametrize("line", [b"", b"nonsense", b"[]", b'{"paths": []}', b'{"command": 1'])
def test_what_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(ControlError, match="not a request"):
        ControlRequest.from_line(line)


def test_answer_is_one_line() -> None:
    assert ControlAnswer(error="two\nlines").to_line().count(b"\n") == 1


def test_folder_of_the_sockets_must_be_ones_own(tmp_path: Path) -> None:
    assert runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / "vofs"
    assert runtime_folder({}) == Path(f"/tmp/vofs-{os.getuid()}")
    secure_folder(tmp_path / "vofs")
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(ControlError, match="not a private folder"):
        secure_folder(tmp_path / "open")


def test_reference_folders_are_found_in_both_usual_trees(tmp_path: Path) -> None:
    assert exports(tmp_path) == []
    (tmp_path / "references" / "hst" / "jref").mkdir(parents=True)
    (tmp_path / "references" / "hst" / "otab").mkdir()
    base = tmp_path / "references" / "hst"
    assert exports(tmp_path) == [f"export jref={base}/jref/", f"export otab={base}/otab/"]
    (tmp_path / "hst-refer" / "my oref").mkdir(parents=True)
    (tmp_path / "hst-refer" / "oref").mkdir()
    assert exports(tmp_path) == [f"export oref={tmp_path}/hst-refer/oref/"]


def test_sizes_for_people() -> None:
    assert [human_size(n) for n in (0, 1023, 1024, 5 * 1024**3)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "5.0 GiB",
    ]
