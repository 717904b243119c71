"""The real HST frames that ship inside the astropy wheel.

They are cut-outs made by astropy's authors for their own tests, with the headers whole: a STIS
CCD exposure, two copies of a WFPC2 exposure and an ACS exposure without pixels.
`python -m tools.demo.real_frames FOLDER` copies them into a folder.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile

from astropy.io import fits

from tools.demo.reference_names import ReferenceName, references_in


@dataclass(frozen=True, slots=True, kw_only=True)
class RealFrame:
    """One frame: where the wheel keeps it and which instrument took it."""

    package: str
    file_name: str
    instrument: str

    def copy_to(self, folder: Path) -> Path:
        """Copies the frame into `folder` and returns the copy's path."""
        copy = folder / self.file_name
        with as_file(files("astropy") / self.package / self.file_name) as original:
            copyfile(original, copy)
        return copy


STIS_RAW = RealFrame(
    package="io/fits/tests/data", file_name="o4sp040b0_raw.fits", instrument="STIS"
)
REAL_FRAMES = (
    STIS_RAW,
    RealFrame(package="io/fits/tests/data", file_name="test0.fits", instrument="WFPC2"),
    RealFrame(package="io/fits/tests/data", file_name="test1.fits", instrument="WFPC2"),
    RealFrame(package="wcs/tests/data", file_name="j94f05bgq_flt.fits", instrument="ACS"),
)


def named_references(frames: tuple[RealFrame, ...] = REAL_FRAMES) -> dict[ReferenceName, str]:
    """Every reference file that the headers of the frames name, with its instrument."""
    named: dict[ReferenceName, str] = {}
    for frame in frames:
        with as_file(files("astropy") / frame.package / frame.file_name) as path:
            header = fits.getheader(path)
        for name in references_in(header).values():
            named[name] = frame.instrument
    return named


def main(folder: Path) -> None:
    """Copies every frame into the folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in REAL_FRAMES:
        frame.copy_to(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
