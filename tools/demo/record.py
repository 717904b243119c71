"""Records the demonstration into docs/demo-session.txt, without what differs between runs.

`python -m tools.demo.record` plays it and writes the text: the temporary folder becomes `~`,
the port 8080, and times, dates and rates become ones that are always the same.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tools.demo.stage import REPOSITORY

SESSION = REPOSITORY / "docs" / "demo-session.txt"
PREAMBLE = """\
The demonstration (`make demo`), recorded by tools/demo/record.py. Folder, port, dates and
times are replaced by ones that do not change between recordings; all else is as printed.

"""
_REPLACEMENTS = (
    (re.compile(r"/tmp/vospace-demo-\w+"), "~"),  # noqa: S108 - read, not written
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8080"),
    (re.compile(r"--port \d+"), "--port 8080"),
    (re.compile(r"  \[\d+\.\d s\]"), ""),
    (re.compile(r"\bpid \d+"), "pid 4242"),
    (re.compile(r"\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d\b"), "Nov 20 12:00"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)?"), "2026-11-20T12:00:00"),
)


def main() -> int:
    """Plays and records; the status is the demonstration's."""
    with subprocess.Popen(
        [sys.executable, "-m", "tools.demo.run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            sys.stdout.write(line)
            lines.append(line)
    if process.returncode == 0:
        SESSION.write_text(PREAMBLE + normalised("".join(lines)), encoding="utf-8")
    return process.returncode


def normalised(session: str, repository: Path = REPOSITORY) -> str:
    """The text without the folder, the port, the dates and the times of one run."""
    text = session.replace(str(repository), "~/vospace")
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
