from pathlib import Path

from benchmarks.clients import NATIVE
from benchmarks.floors import FLOORS, Scores
from benchmarks.measuring import Column, Tally
from benchmarks.report import insert_section, section


def column(name: str, **figures: float) -> Column:
    return Column(name=name, figures=figures, failures={})


def verdict(what: str, asks: str, scores: Scores) -> tuple[str, str]:
    (floor,) = (floor for floor in FLOORS if floor.what == what and floor.asks == asks)
    return floor.judge(scores)


def test_the_median_is_taken_figure_by_figure() -> None:
    tally = Tally(client=NATIVE)

    for sample in ({"a": 1.0, "b": 9.0}, {"a": 3.0}, {"a": 2.0, "b": 5.0}):
        tally.add(sample)

    assert tally.column().figures == {"a": 2.0, "b": 7.0}


def test_a_floor_compares_with_the_best_peer() -> None:
    columns = {
        "mountvofs": column("mountvofs", cold_read=900.0, copy_out_s=1.0),
        "rclone": column("rclone", cold_read=450.0, copy_out_s=4.0),
        "sshfs": column("sshfs", cold_read=300.0, copy_out_s=0.5),
    }
    scores = Scores(columns=columns, server={})

    read = verdict("cold sequential read", "faster than every peer", scores)
    copy = verdict("`cp -r` of 1,000 small files out", "faster than every peer", scores)

    assert read == ("2.00 x the best peer", "met")
    assert copy == ("0.50 x the best peer", "**missed**")


def test_a_ceiling_is_met_from_below() -> None:
    scores = Scores(columns={"mountvofs": column("mountvofs", resident_mib=121.0)}, server={})

    assert verdict("memory of the mount", "≤ 120 MiB resident", scores)[1] == "**missed**"


def test_a_floor_without_figures_says_which_is_missing() -> None:
    scores = Scores(columns={}, server={})

    shown, judged = verdict("server: bytes down, one process", "≥ 0.8 x nginx", scores)

    assert (shown, judged) == ("-", "not measured (server_down)")


def test_the_section_shows_figures_and_the_reason_of_a_missing_one() -> None:
    columns = [
        column("mountvofs", cold_read=1234.4),
        Column(name="s3fs", figures={}, failures={"*": "no s3fs here"}),
    ]

    text = section(["date: today", "machine: any"], columns, column("server"), ["median of 3"])

    assert text.startswith("## today\n\n- machine: any\n- median of 3\n")
    assert "| cold sequential read, MB/s | 1,234 | no s3fs here |" in text


def test_the_newest_section_comes_first_and_older_ones_stay(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"

    insert_section(results, "## first\n\nold figures\n")
    insert_section(results, "## second\n\nnew figures\n")

    text = results.read_text(encoding="utf-8")
    assert text.count("# Benchmark results") == 1
    assert text.index("## second") < text.index("## first") < text.index("old figures")
