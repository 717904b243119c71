from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tools.demo.calibrate import NotCalibratable, calibrate
from tools.demo.reference_names import UnresolvedReference


def test_the_result_is_raw_minus_bias_and_dark_over_flat(
    tmp_path: Path, raw_frame: Path, stis_references: dict[str, str]
) -> None:
    output = tmp_path / "o4sp040b0_flt.fits"

    calibrate(raw_frame, output, stis_references)

    oref = Path(stis_references["oref"])
    raw = fits.getdata(raw_frame, ("SCI", 1)).astype(float)
    bias, dark, flat = (
        fits.getdata(oref / name, ("SCI", 1))[:24, :43].astype(float)
        for name in ("k5h1101io_bia.fits", "jce11265o_drk.fits", "k2910265o_pfl.fits")
    )
    level = np.median(raw[20:, :19])
    expected = (raw[20:, 19:] - level - bias - dark * 30.0 / 4.08) / flat
    np.testing.assert_allclose(fits.getdata(output, ("SCI", 1)), expected, atol=1e-4)


def test_both_exposures_are_calibrated_and_the_header_says_so(
    tmp_path: Path, raw_frame: Path, stis_references: dict[str, str]
) -> None:
    output = tmp_path / "o4sp040b0_flt.fits"

    calibrate(raw_frame, output, stis_references)

    with fits.open(output) as frame:
        assert [(hdu.name, hdu.ver) for hdu in frame[1:]] == [
            (name, version) for version in (1, 2) for name in ("SCI", "ERR", "DQ")
        ]
        assert frame[0].header["FLATCORR"] == "COMPLETE"
        assert frame[0].header["ATODGAIN"] == pytest.approx(4.08)
        assert frame["SCI", 1].header["MEANBLEV"] == 1508.0
        assert "BIASFILE oref$k5h1101io_bia.fits" in list(frame[0].header["HISTORY"])


def test_bad_pixels_of_any_reference_are_flagged(
    tmp_path: Path, raw_frame: Path, stis_references: dict[str, str]
) -> None:
    output = tmp_path / "o4sp040b0_flt.fits"

    calibrate(raw_frame, output, stis_references)

    flags = np.zeros((24, 43), dtype=np.int16)
    for name in ("k5h1101io_bia.fits", "jce11265o_drk.fits", "k2910265o_pfl.fits"):
        flags |= fits.getdata(Path(stis_references["oref"]) / name, ("DQ", 1))[:24, :43]
    np.testing.assert_array_equal(fits.getdata(output, ("DQ", 2)), flags)
    assert flags.any()


def test_two_runs_give_the_same_bytes(
    tmp_path: Path, raw_frame: Path, stis_references: dict[str, str]
) -> None:
    outputs = [tmp_path / folder / "o4sp040b0_flt.fits" for folder in ("one", "two")]

    for output in outputs:
        output.parent.mkdir()
        calibrate(raw_frame, output, stis_references)

    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_missing_reference_is_named_by_its_place(
    tmp_path: Path, raw_frame: Path, stis_references: dict[str, str]
) -> None:
    environment = stis_references | {"oref": f"{tmp_path}/"}

    with pytest.raises(
        UnresolvedReference, match=r"oref\$k5h1101io_bia\.fits: there is no file"
    ):
        calibrate(raw_frame, tmp_path / "out.fits", environment)


def test_a_frame_of_another_instrument_is_refused(
    tmp_path: Path, stis_references: dict[str, str]
) -> None:
    frame = tmp_path / "image.fits"
    fits.PrimaryHDU(header=fits.Header({"INSTRUME": "WFPC2"})).writeto(frame)

    with pytest.raises(NotCalibratable, match=r"image\.fits is not a raw STIS CCD frame"):
        calibrate(frame, tmp_path / "out.fits", stis_references)


def test_an_amplifier_that_the_table_lacks_is_named(
    tmp_path: Path, raw_frame: Path, stis_references: dict[str, str]
) -> None:
    fits.setval(raw_frame, "CCDGAIN", value=8)

    with pytest.raises(
        NotCalibratable, match=r"k2g1502eo_ccd\.fits has no amplifier D with gain 8"
    ):
        calibrate(raw_frame, tmp_path / "out.fits", stis_references)
