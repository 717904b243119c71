"""The command line of `vofs`: look into running mounts, and steer them."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from typing_extensions import override

from vofs.config import process_environment
from vofs.mount.control_protocol import (
    SUFFIX,
    ControlError,
    ControlRequest,
    ask,
    runtime_folder,
    socket_path,
)
from vofs.mount.errors import MountError
from vofs.mount.hst_environment import exports
from vofs.mount.mountpoints import check_fuse
from vofs.mount.status_text import format_cache, format_metrics, format_status, human_size

EXIT_FAILED: Final = 1
EXIT_MISUSED: Final = 2
_STATUS_SECONDS: Final = 10.0
_WORK_SECONDS: Final = 24 * 3600.0

_EXAMPLES: Final = """\
examples:
  vofs status                     all mounts of this user
  vofs status /mnt/durand --json
  vofs warm /mnt/refer/oref       fetch everything below into the cache
  vofs pin /mnt/refer/oref/*_drk.fits
  vofs flush /mnt/durand          send what was left behind or refused
  eval "$(vofs env --hst /mnt/refer)"
"""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    @override
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see vofs --help)", file=sys.stderr)
        sys.exit(EXIT_MISUSED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; 0 done, 1 failed, 2 misused."""
    options = _parser().parse_args(arguments)
    folder = runtime_folder(process_environment())
    commands: Mapping[str, Callable[[argparse.Namespace, Path], int]] = {
        "status": _status,
        "cache": _cache,
        "check": _check,
        "env": _env,
    }
    try:
        return commands.get(options.command, _work)(options, folder)
    except (ControlError, MountError) as error:
        print(f"vofs: {error}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="vofs",
        description="Look into running mounts, and steer them.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="what mounts do, hold and owe")
    status.add_argument("mountpoint", nargs="?", metavar="MOUNTPOINT")
    form = status.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--prometheus", action="store_true", help="for Prometheus")
    for name, text in (
        ("warm", "fetch files into the cache"),
        ("pin", "fetch files and keep them in the cache"),
        ("unpin", "let files be evicted again"),
        ("evict", "give the cache's room for files back"),
        ("discard", "give up what was written to files and not sent"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("paths", nargs="+", metavar="PATH")
    flush = commands.add_parser("flush", help="send what is written and what was left behind")
    flush.add_argument("paths", nargs=1, metavar="MOUNTPOINT")
    forget = commands.add_parser("forget", help="look at every node again")
    forget.add_argument("paths", nargs=1, metavar="MOUNTPOINT")
    commands.add_parser("cache", help="how full the caches are")
    commands.add_parser("check", help="whether this machine can mount, and mounts answer")
    environment = commands.add_parser("env", help="variables for calibration programs")
    environment.add_argument("--hst", action="store_true", required=True)
    environment.add_argument("mountpoint", metavar="MOUNTPOINT")
    return parser


def _status(options: argparse.Namespace, folder: Path) -> int:
    if options.mountpoint is not None:
        place = _mountpoint_of(folder, options.mountpoint)
        states = [ask(place, ControlRequest(command="status"), seconds=_STATUS_SECONDS)]
    else:
        states = list(_all_states(folder))
    if options.json:
        print(json.dumps(states[0] if options.mountpoint is not None else states, indent=2))
    elif options.prometheus:
        print(format_metrics(states))
    elif states:
        print("\n".join(format_status(state) for state in states))
    else:
        print("nothing is mounted")
    return 0


def _cache(_options: argparse.Namespace, folder: Path) -> int:
    directories = {state["cache"]["directory"]: state for state in _all_states(folder)}
    for state in directories.values():
        print(format_cache(state))
    if not directories:
        print("nothing is mounted")
    return 0


def _check(_options: argparse.Namespace, folder: Path) -> int:
    """Everything that can be told without mounting, a line each; 1 if a line is bad."""
    is_good = True
    try:
        check_fuse()
        print("ok       FUSE is there")
    except MountError as error:
        is_good = False
        print(f"problem  {error}")
    for state in _all_states(folder):
        problems = _problems_of(state)
        is_good = is_good and not problems
        for problem in problems:
            print(f"problem  {state['mountpoint']}: {problem}")
        if not problems:
            print(f"ok       {state['mountpoint']} answers")
    return 0 if is_good else EXIT_FAILED


def _problems_of(state: Mapping[str, Any]) -> list[str]:
    problems = []
    if state["away_since"]:
        problems.append(f"{state['service']} has not answered since {state['away_since']}")
    if state["cache"]["is_degraded"]:
        problems.append(f"the cache {state['cache']['directory']} can't store")
    refused = [*state["pending"], *state["writeback"]["refused"]]
    if refused:
        problems.append(f"{len(refused)} files were not sent (vofs flush)")
    return problems


def _env(options: argparse.Namespace, _folder: Path) -> int:
    lines = exports(Path(options.mountpoint).absolute())
    if not lines:
        raise ControlError(
            f"no reference folders (iref, jref, oref, …) below {options.mountpoint}"
        )
    print("\n".join(lines))
    return 0


def _work(options: argparse.Namespace, folder: Path) -> int:
    """The commands that a mount does with paths; those of several mounts go to each."""
    by_socket: dict[Path, list[str]] = {}
    for text in options.paths:
        path = os.path.abspath(text)  # noqa: PTH100 -- a link is not to be followed
        by_socket.setdefault(_mountpoint_of(folder, path), []).append(path)
    for place, paths in by_socket.items():
        request = ControlRequest(command=options.command, paths=tuple(paths))
        print(_summary(options.command, ask(place, request, seconds=_WORK_SECONDS)))
    return 0


def _summary(command: str, result: Mapping[str, Any]) -> str:
    parts = []
    for name, value in result.items():
        parts.append(human_size(value) if name == "bytes" else f"{value} {name}")
    return f"{command}: {', '.join(parts) or 'done'}"


def _mountpoint_of(folder: Path, text: str) -> Path:
    """The socket of the mount in which a path lies; raises ControlError."""
    path = os.path.abspath(text)  # noqa: PTH100 -- as above
    while True:
        candidate = socket_path(folder, path)
        if candidate.exists():
            return candidate
        if path == "/":
            raise ControlError(f"{text} is not in a mount of this user")
        path = os.path.dirname(path)  # noqa: PTH120 -- on text, as the mount was named


def _all_states(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The states of all mounts that answer; sockets of dead ones are removed."""
    for place in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            yield ask(place, ControlRequest(command="status"), seconds=_STATUS_SECONDS)
        except ControlError as error:
            print(f"vofs: {place.name}: {error}", file=sys.stderr)
