"""`python -m benchmarks`: the whole run, or a part of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.clients import CLIENTS, NATIVE, VOFS
from benchmarks.dataset import Dataset, make_dataset
from benchmarks.machine import describe_machine
from benchmarks.measuring import Column, Row, measure_client, median_of
from benchmarks.mount_rows import COUNTED, TIMED
from benchmarks.page_cache import can_drop_page_cache
from benchmarks.processes import ProgramFailed
from benchmarks.report import insert_section, section
from benchmarks.server_rows import ROWS, ServerSession
from benchmarks.servers import nginx
from benchmarks.vospace import vospace_server

RESULTS = Path(__file__).with_name("RESULTS.md")
REPEATS = 3


def main(words: Sequence[str] | None = None) -> int:
    """Measures, prints the section, and puts it into the results; 1 when it can't measure."""
    options = _parser().parse_args(words)
    if not can_drop_page_cache():
        print("The page cache must be dropped between rows, which only root may do.")
        return 1
    machine = describe_machine()
    with tempfile.TemporaryDirectory(prefix="vospace-bench-data-") as folder:
        _announce("making the data set")
        dataset = make_dataset(Path(folder) / "files")
        columns = [
            measure_client(client, dataset, _rows(client.name, options), _announce)
            for client in CLIENTS
            if client.name in options.clients
        ]
        server = _measure_server(dataset, options.repeats)
    text = section(machine, columns, server, [f"median of {options.repeats}"])
    print(text)
    if options.output is not None:
        insert_section(options.output, text)
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [client.name for client in CLIENTS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--clients",
        type=lambda text: text.split(","),
        default=names,
        help=f"columns, separated by commas (default: {','.join(names)})",
    )
    parser.add_argument(
        "--rows",
        type=lambda text: text.split(","),
        default=None,
        help="rows, separated by commas (default: all)",
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="runs of each timed row")
    parser.add_argument(
        "--no-save",
        dest="output",
        action="store_const",
        const=None,
        default=RESULTS,
        help="print only",
    )
    return parser


def _rows(client: str, options: argparse.Namespace) -> list[tuple[Row, int]]:
    rows = [(row, int(options.repeats)) for row in TIMED]
    # The local disk has no wire to count.
    rows += [(row, 1) for row in COUNTED if client != NATIVE.name]
    return [
        (row, repeats)
        for row, repeats in rows
        if options.rows is None or row.__name__ in options.rows
    ]


def _measure_server(dataset: Dataset, repeats: int) -> Column:
    figures: dict[str, float] = {}
    failures: dict[str, str] = {}
    program = VOFS.missing()
    if program is not None:
        return Column(name="server", figures={}, failures={"*": f"no {program} here"})
    with ExitStack() as stack:
        folders = [
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vospace-bench-")))
            for _ in range(2)
        ]
        session = ServerSession(
            dataset=dataset,
            ours=stack.enter_context(vospace_server(dataset.root, folders[0])),
            nginx=stack.enter_context(nginx(dataset.root, folders[1])),
        )
        for row in ROWS:
            _announce(f"server: {row.__name__.replace('_', ' ')}")
            try:
                figures |= median_of([row(session) for _ in range(repeats)])
            except ProgramFailed as failure:
                failures[row.__name__] = str(failure)
                _announce(f"server: {failure}")
    return Column(name="server", figures=figures, failures=failures)


def _announce(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
