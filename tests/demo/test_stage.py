import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tools.demo.shell import Shell, StepFailed
from tools.demo.stage import MARK, mounts_below, processes_of, stage


def test_the_stage_is_removed_with_every_process_that_it_started() -> None:
    with stage() as ours:
        # A daemon: in a session of its own, so that nothing but its mark leads to it.
        subprocess.run(["bash", "-c", "setsid sleep 60 &"], env=ours.environment, check=True)
        # While a program is being replaced by another, its environment can't be read.
        while not processes_of(ours.home):
            time.sleep(0.01)

    assert processes_of(ours.home) == []
    assert not ours.home.exists()


def test_the_stage_is_cleared_after_a_failure() -> None:
    with ExitStack() as stack:
        ours = stack.enter_context(stage())
        stack.enter_context(pytest.raises(StepFailed))
        Shell(ours).run("exit 1")

    assert not ours.home.exists()


def test_a_terminated_demonstration_clears_its_stage(tmp_path: Path) -> None:
    script = (
        "import subprocess, time; from tools.demo.stage import stage\n"
        "with stage() as ours:\n"
        "    subprocess.Popen(['sleep', '60'], env=ours.environment, start_new_session=True)\n"
        "    print(ours.home, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        home = Path(process.stdout.readline().strip())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert not home.exists()
    assert processes_of(home) == []


def test_nothing_of_the_person_reaches_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOSPACE_TOKEN", "the person's own")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/person/.config")

    with stage() as ours:
        assert "VOSPACE_TOKEN" not in ours.environment
        assert "XDG_CONFIG_HOME" not in ours.environment
        assert ours.environment["HOME"] == ours.environment[MARK] == str(ours.home)
        assert mounts_below(ours.home) == []


def test_a_command_is_shown_before_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    with stage() as ours:
        Shell(ours).run("echo one\necho two >&2")

    assert capsys.readouterr().out == "$ echo one\n> echo two >&2\none\ntwo\n"


def test_an_exported_variable_is_seen_by_the_next_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with stage() as ours:
        shell = Shell(ours)
        shell.export(PLACE="here")
        shell.run("echo $PLACE")

    assert capsys.readouterr().out == "$ export PLACE=here\n$ echo $PLACE\nhere\n"


def test_a_command_that_fails_stops_the_demonstration_by_name() -> None:
    with stage() as ours, pytest.raises(StepFailed, match="failed with status 3: exit 3"):
        Shell(ours).run("exit 3")


def test_a_server_that_ends_is_reported_with_what_it_wrote() -> None:
    with stage() as ours, pytest.raises(StepFailed, match="did not start:\nls: cannot access"):
        Shell(ours).serve("ls /no/such/folder", "http://127.0.0.1:9/readyz")


def test_an_interrupted_command_does_not_go_on() -> None:
    with stage() as ours:
        started = time.monotonic()
        signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            Shell(ours).run("sleep 30")
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    assert time.monotonic() - started < 15
    assert os.getpid() not in processes_of(ours.home)
