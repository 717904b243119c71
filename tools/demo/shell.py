"""Runs the demonstration's commands, each shown as a person types it, with its real output."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request

from tools.demo.stage import Stage

COMMAND_SECONDS = 120
START_SECONDS = 30
POLL_SECONDS = 0.05


class StepFailed(RuntimeError):  # noqa: N818 - the condition, not the category
    """A command of the demonstration did not do what it shows."""


class Shell:
    """A person's terminal on the stage: the folder is home, and `$` stands before a command."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Prints a heading with the time since the beginning."""
        elapsed = time.monotonic() - self._started
        print(f"\n# {text}  [{elapsed:.1f} s]", flush=True)

    def run(self, command: str) -> None:
        """Shows the command, runs it, and shows what it printed.

        Raises:
            StepFailed: it failed, or took longer than two minutes.
        """
        _show(command)
        with subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self._stage.home,
            env=self._stage.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise StepFailed(f"took longer than {COMMAND_SECONDS} s: {command}") from None
            except BaseException:
                # Interrupted: what the command has started is ended when the stage is cleared.
                process.kill()
                process.wait()
                raise
        sys.stdout.write(printed.decode(errors="replace"))
        sys.stdout.flush()
        if process.returncode:
            raise StepFailed(f"failed with status {process.returncode}: {command}")

    def export(self, **variables: str) -> None:
        """Sets variables for the commands that follow, and shows it."""
        for name, value in variables.items():
            _show(f"export {name}={value}")
        self._stage.environment.update(variables)

    def serve(self, command: str, ready_url: str) -> None:
        """Shows the command and leaves it running; returns when the server answers.

        Raises:
            StepFailed: it ended, or did not answer in time.
        """
        _show(f"{command} &")
        log = self._stage.home / "server.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command.split(),
                cwd=self._stage.home,
                env=self._stage.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stage.running.append(process)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if _answers(ready_url):
                return
            time.sleep(POLL_SECONDS)
        raise StepFailed(f"the server did not start:\n{log.read_text(errors='replace')}")


def _show(command: str) -> None:
    first, *rest = command.splitlines()
    print(f"$ {first}", *(f"> {line}" for line in rest), sep="\n", flush=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback server
            return True
    except (urllib.error.URLError, OSError):
        return False
