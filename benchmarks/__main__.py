"""`python -m benchmarks`: the whole run, or a part of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.clients import CLIENTS, VOFS
from benchmarks.dataset import Dataset, make_dataset
from benchmarks.machine import describe_machine
from benchmarks.measuring import Column, Row, Tally, measure_clients
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
        clients = [client for client in CLIENTS if client.name in options.clients]
        columns = measure_clients(clients, dataset, _rows(options), _announce)
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


def _rows(options: argparse.Namespace) -> list[Row]:
    rows = [Row(measure=measure, repeats=options.repeats) for measure in TIMED]
    rows += [Row(measure=measure, repeats=1, counts_wire=True) for measure in COUNTED]
    return [row for row in rows if options.rows is None or row.name in options.rows]


def _measure_server(dataset: Dataset, repeats: int) -> Column:
    program = VOFS.missing()
    if program is not None:
        return Column(name="server", figures={}, failures={"*": f"no {program} here"})
    tally = Tally(client=VOFS)
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
                for _ in range(repeats):
                    tally.add(row(session))
            except ProgramFailed as failure:
                tally.failures[row.__name__] = str(failure)
                _announce(f"server: {failure}")
    return tally.column()


def _announce(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
