"""Makes an HST reference tree: the files that the real frames name, and some neighbours.

`python -m tools.demo.reference_tree FOLDER` writes `FOLDER/{comp,iref,jref,…}`, about 330 MB,
in a few seconds; the same bytes on every run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.demo.geis import GROUP_IMAGES, write_geis_reference
from tools.demo.images import (
    ACS_WFC,
    ACS_WFC_CORNER,
    COS_NUV,
    EXPOSURES,
    NICMOS,
    STIS_CCD,
    WFC3_IR,
    Camera,
    write_image_reference,
    write_infrared_dark,
)
from tools.demo.real_frames import named_references
from tools.demo.reference_names import FOLDERS, ReferenceName
from tools.demo.tables import LAYOUTS, write_table_reference

# The largest files of the tree: an ACS/WFC dark of two whole chips, and a WFC3/IR dark of four
# reads. Their names are real ones; the first is named by the ACS frame.
LARGE_DARK = ReferenceName(variable="jref", file_name="p3v2228qj_drk.fits")
INFRARED_DARK = ReferenceName(variable="iref", file_name="u4819493i_drk.fits")
INFRARED_READS = 4
THROUGHPUT_TABLES = 240
THROUGHPUT_INSTRUMENTS = ("acs", "cos", "nicmos", "stis", "wfc3", "wfpc2")


class UnknownReferenceKind(LookupError):  # noqa: N818 - the condition, not the category
    """A header names a kind of reference that this generator cannot make."""


def make_reference_tree(tree: Path) -> None:
    """Writes the whole tree under `tree`, which must not hold it yet."""
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    for name, instrument in named_references().items():
        write_reference(tree / name.folder / name.file_name, name, instrument)
    _write_neighbours(tree)
    _write_throughput_tables(tree / "comp")


def write_reference(path: Path, name: ReferenceName, instrument: str) -> None:
    """Writes one reference file of the kind that its name says.

    Raises:
        UnknownReferenceKind: the kind of the file is not one that we can make.
    """
    if name.kind in EXPOSURES:
        write_image_reference(path, _camera_for(name, instrument), EXPOSURES[name.kind])
    elif name.kind in LAYOUTS:
        write_table_reference(path, LAYOUTS[name.kind], _camera_for(name, instrument))
    elif name.kind in GROUP_IMAGES:
        write_geis_reference(path, GROUP_IMAGES[name.kind])
    else:
        raise UnknownReferenceKind(f"{name.spelling}: no way to make a {name.kind!r} reference")


def _camera_for(name: ReferenceName, instrument: str) -> Camera:
    if name == LARGE_DARK:
        return ACS_WFC
    return ACS_WFC_CORNER if instrument == "ACS" else STIS_CCD


def _write_neighbours(tree: Path) -> None:
    """The instruments of which the wheel has no frame get a few files of theirs as well."""
    write_infrared_dark(tree / "iref" / INFRARED_DARK.file_name, WFC3_IR, INFRARED_READS)
    write_infrared_dark(tree / "nref" / "i7k1641in_drk.fits", NICMOS, reads=13)
    write_image_reference(tree / "lref" / "s7g1700dl_pfl.fits", COS_NUV, EXPOSURES["pfl"])
    write_table_reference(tree / "lref" / "x1v17417l_dsp.fits", LAYOUTS["dsp"], COS_NUV)


def _write_throughput_tables(folder: Path) -> None:
    for number in range(THROUGHPUT_TABLES):
        instrument = THROUGHPUT_INSTRUMENTS[number % len(THROUGHPUT_INSTRUMENTS)]
        place = folder / instrument
        place.mkdir(exist_ok=True)
        path = place / f"{instrument}_f{number:03d}w_001_syn.fits"
        write_table_reference(path, LAYOUTS["syn"], STIS_CCD)


if __name__ == "__main__":
    make_reference_tree(Path(sys.argv[1]))
