"""The files that every server serves: one of 168 MB, 10,000 to list, 1,000 to copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.demo.images import ACS_WFC, EXPOSURES, write_image_reference
from tools.demo.seeded_noise import generator_for

LARGE_NAME = "p3v2228qj_drk.fits"
# Where the second chip's pixels begin: 84 MB into the file.
SECOND_CHIP_OFFSET = 83_900_160
LISTED_FOLDERS = 10
FILES_PER_LISTED_FOLDER = 1_000
LISTED_BYTES = 512
SMALL_FILES = 1_000
SMALL_LEAST_BYTES = 1_000
SMALL_MOST_BYTES = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """The folder that holds the files, and the names in it that the rows use."""

    root: Path

    @property
    def large(self) -> Path:
        """The file of 168 MB: a dark of two chips, in six extensions."""
        return self.root / LARGE_NAME

    @property
    def large_bytes(self) -> int:
        """Its length."""
        return self.large.stat().st_size

    @property
    def listed(self) -> Path:
        """Ten folders of 1,000 files each."""
        return self.root / "listed"

    @property
    def small(self) -> Path:
        """One folder of 1,000 files of 1 to 16 kB."""
        return self.root / "small"

    def files(self) -> list[Path]:
        """Every file, in name order."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def folders(self) -> list[Path]:
        """Every folder below the root, parents first."""
        return sorted(path for path in self.root.rglob("*") if path.is_dir())


def make_dataset(root: Path) -> Dataset:
    """Writes the files under `root`, the same bytes on every run."""
    dataset = Dataset(root=root)
    root.mkdir(parents=True)
    write_image_reference(dataset.large, ACS_WFC, EXPOSURES["drk"])
    random = generator_for("benchmarks")
    for number in range(LISTED_FOLDERS):
        folder = dataset.listed / f"folder_{number}"
        folder.mkdir(parents=True)
        for index in range(FILES_PER_LISTED_FOLDER):
            (folder / f"listed_{index:04d}.dat").write_bytes(random.bytes(LISTED_BYTES))
    _write_small_files(dataset.small, random)
    return dataset


def _write_small_files(folder: Path, random: np.random.Generator) -> None:
    folder.mkdir()
    lengths = random.integers(SMALL_LEAST_BYTES, SMALL_MOST_BYTES, SMALL_FILES)
    for index, length in enumerate(lengths):
        (folder / f"small_{index:04d}.dat").write_bytes(random.bytes(int(length)))
