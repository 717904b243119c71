import json
import subprocess
import sys
from pathlib import Path

from benchmarks.workload import read_block, read_randomly, read_whole, write_whole


def test_every_workload_returns_seconds(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789" * 1_000_000)

    assert read_whole(source)["seconds"] > 0
    assert read_block(source, "4000000")["bytes"] == 2880
    assert read_randomly(source)["p99_seconds"] >= read_randomly(source)["mean_seconds"] * 0.1
    assert write_whole(source, str(target))["seconds"] > 0
    assert target.read_bytes() == source.read_bytes()


def test_a_workload_runs_as_a_program_and_prints_json(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 5000)

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.workload", "block", str(source), "0"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["bytes"] == 2880
