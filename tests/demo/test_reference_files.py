from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tools.demo.geis import GROUP_IMAGES, write_geis_reference
from tools.demo.images import ACS_WFC, EXPOSURES, NICMOS, write_infrared_dark
from tools.demo.real_frames import named_references
from tools.demo.reference_names import ReferenceName
from tools.demo.reference_tree import LARGE_DARK, UnknownReferenceKind, write_reference

STIS_DARK = ReferenceName(variable="oref", file_name="jce11265o_drk.fits")


def test_a_dark_has_the_extensions_dtypes_and_keywords_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / STIS_DARK.file_name

    write_reference(path, STIS_DARK, "STIS")

    with fits.open(path) as dark:
        header = dark[0].header
        assert (header["INSTRUME"], header["DETECTOR"]) == ("STIS", "CCD")
        assert (header["FILETYPE"], header["PEDIGREE"]) == ("DARK IMAGE", "DUMMY")
        assert header["USEAFTER"] == "Oct 01 1996 00:00:00"
        assert [hdu.name for hdu in dark[1:]] == ["SCI", "ERR", "DQ"]
        assert dark["SCI", 1].data.shape == (1024, 1024)
        assert [hdu.data.dtype.name for hdu in dark[1:]] == ["float32", "float32", "int16"]


def test_the_same_name_gives_the_same_bytes(tmp_path: Path) -> None:
    copies = [tmp_path / "one", tmp_path / "two"]

    for copy in copies:
        copy.mkdir()
        write_reference(copy / STIS_DARK.file_name, STIS_DARK, "STIS")

    first, second = ((copy / STIS_DARK.file_name).read_bytes() for copy in copies)
    assert first == second


def test_the_large_dark_is_two_whole_chips_of_84_megabytes(tmp_path: Path) -> None:
    path = tmp_path / LARGE_DARK.file_name

    write_reference(path, LARGE_DARK, "ACS")

    assert path.stat().st_size == 167_797_440
    with fits.open(path) as dark:
        assert dark["SCI", 2].data.shape == (ACS_WFC.rows, ACS_WFC.columns)
        assert 80e6 < dark.fileinfo(4)["hdrLoc"] < 90e6


def test_an_infrared_dark_counts_its_reads_down_to_zero_seconds(tmp_path: Path) -> None:
    path = tmp_path / "i7k1641in_drk.fits"

    write_infrared_dark(path, NICMOS, reads=3)

    with fits.open(path) as dark:
        assert len(dark) == 1 + 3 * 5
        assert [float(dark["TIME", read].data[0, 0]) for read in (1, 2, 3)] == [20.0, 10.0, 0.0]


def test_a_geis_reference_is_a_header_of_cards_and_a_file_of_groups(tmp_path: Path) -> None:
    path = tmp_path / "e6o0937du.r2h"

    write_geis_reference(path, GROUP_IMAGES["r2h"])

    lines = path.read_text(encoding="ascii").splitlines()
    assert {len(line) for line in lines} == {80}
    assert "GCOUNT  =                    4" in lines[7]
    groups = (tmp_path / "e6o0937du.r2d").read_bytes()
    assert len(groups) == 4 * (400 * 400 * 4 + 4)
    pixels = np.frombuffer(groups, dtype=">f4", count=400 * 400)
    assert pixels.mean() == pytest.approx(0.35, abs=0.01)


@pytest.mark.parametrize(
    ("name", "instrument"),
    [
        (name, instrument)
        for name, instrument in named_references().items()
        if name.kind not in EXPOSURES
    ],
    ids=lambda value: value.file_name if isinstance(value, ReferenceName) else value,
)
def test_every_table_and_group_image_that_a_frame_names_can_be_made(
    tmp_path: Path, name: ReferenceName, instrument: str
) -> None:
    path = tmp_path / name.file_name

    write_reference(path, name, instrument)

    assert path.stat().st_size > 0
    if path.suffix in {".fits", ".tmg", ".tmc"}:
        assert len(fits.getdata(path, 1)) > 0


def test_an_unknown_kind_of_reference_is_refused_by_name(tmp_path: Path) -> None:
    name = ReferenceName(variable="oref", file_name="abc_xyz.fits")

    with pytest.raises(UnknownReferenceKind, match=r"oref\$abc_xyz\.fits"):
        write_reference(tmp_path / name.file_name, name, "STIS")
