"""Whether a worker is gone is told from its name, and only where that is certain."""

import socket
import subprocess
import sys

from vospace_server.workers.worker_names import is_gone, worker_name


def _named(process: int, *, host: str | None = None) -> str:
    return f"{host or socket.gethostname()}/{process}/abcd/job-runner-0"


def test_this_process_is_not_gone_and_an_earlier_one_of_its_number_is() -> None:
    name = worker_name("job-runner-0")
    _, number, process, _ = name.split("/")

    assert not is_gone(name)
    assert is_gone(name.replace(process, "00000000"))
    assert number.isdigit()


def test_a_process_of_this_host_that_has_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    running = is_gone(_named(ended.pid))
    ended.wait()

    assert not running
    assert is_gone(_named(ended.pid))


def test_other_hosts_and_names_of_another_kind_are_not_judged() -> None:
    assert not is_gone(_named(1, host="elsewhere"))
    assert not is_gone("request-0123")
    assert not is_gone("")
