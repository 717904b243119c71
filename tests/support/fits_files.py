"""FITS files to cut, real and made, and a way to look at what comes of it."""

import io
import warnings
from pathlib import Path
from typing import Any

import astropy
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

ASTROPY = Path(astropy.__path__[0])
SAMPLES = ASTROPY / "io" / "fits" / "tests" / "data"
SKY_SAMPLES = ASTROPY / "wcs" / "tests" / "data"
DEGREE = 1.0


def sky_header(nx: int, ny: int, *, ra: float = 180.0, dec: float = 0.0) -> fits.Header:
    """A tangential projection of 0.01 degrees a pixel, turned a little."""
    header = fits.Header()
    angle = np.radians(20)
    header["WCSAXES"] = 2
    for axis, (kind, value, size) in enumerate(
        (("RA---TAN", ra, nx), ("DEC--TAN", dec, ny)), start=1
    ):
        header[f"CTYPE{axis}"] = kind
        header[f"CRVAL{axis}"] = value
        header[f"CRPIX{axis}"] = (size + 1) / 2
        header[f"CUNIT{axis}"] = "deg"
    header["CD1_1"], header["CD1_2"] = -0.01 * np.cos(angle), 0.01 * np.sin(angle)
    header["CD2_1"], header["CD2_2"] = 0.01 * np.sin(angle), 0.01 * np.cos(angle)
    header["RADESYS"] = "ICRS"
    header["LTV1"], header["LTM1_1"] = 3.0, 1.0
    return header


def pixels(*shape: int, dtype: str = "int16") -> Any:
    """Numbers that differ from pixel to pixel, the same in every run."""
    return np.random.default_rng(7).integers(-30_000, 30_000, size=shape).astype(dtype)


def file_of(*hdus: Any) -> bytes:
    """A file of these HDUs."""
    made = io.BytesIO()
    fits.HDUList([*hdus]).writeto(made)
    return made.getvalue()


def image(nx: int = 100, ny: int = 80) -> bytes:
    """An image with a place on the sky."""
    return file_of(fits.PrimaryHDU(pixels(ny, nx), sky_header(nx, ny)))


def mosaic() -> bytes:
    """Two chips side by side, with a table and a primary header that they inherit."""
    primary = fits.PrimaryHDU()
    primary.header["TELESCOP"] = "HST"
    primary.header["BZERO"] = 5
    chips = []
    for version, ra in ((1, 180.0), (2, 178.5)):
        header = sky_header(60, 50, ra=ra)
        header["INHERIT"] = True
        data = pixels(50, 60, dtype="float32")
        chips.append(fits.ImageHDU(data, header, name="SCI", ver=version))
    table = fits.BinTableHDU.from_columns(
        [fits.Column("x", format="J", array=np.arange(9))], name="EVENTS"
    )
    return file_of(primary, chips[0], chips[1], table)


def opened(content: bytes) -> fits.HDUList:
    """A file as astropy reads it, pixels as they are stored; it must be valid FITS."""
    hdus = fits.open(
        io.BytesIO(content), do_not_scale_image_data=True, lazy_load_hdus=False, memmap=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hdus.verify("exception")
    assert len(content) % 2880 == 0
    return hdus


def sky_of(header: fits.Header, *pixel: float) -> Any:
    """Where a pixel (from 1) is, in all world coordinates of a header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array(WCS(header).all_pix2world([pixel], 1)[0])


def corrected(header: fits.Header, *, first_table: int) -> fits.Header:
    """The header with SIP, and with distortion tables as HST's pipelines name them."""
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    header["A_ORDER"] = header["B_ORDER"] = 2
    header["A_2_0"], header["A_1_1"], header["B_0_2"] = 2e-5, -1e-5, 3e-5
    for keyword, record, first in (("CPDIS", "DP", first_table), ("D2IMDIS", "D2IM", 1)):
        for axis in (1, 2):
            header[f"{keyword}{axis}"] = "Lookup"
            number = first + axis - 1
            for said in (f"EXTVER: {number}.0", "NAXES: 2.0", "AXIS.1: 1.0", "AXIS.2: 2.0"):
                header.append(fits.Card(f"{record}{axis}", said))
    return header


def grid(name: str, number: int, *, scaled: bool = False) -> fits.ImageHDU:
    """A distortion table over an image of 100 x 80: steps of 16, up to half a pixel."""
    values = pixels(6, 8, dtype="float32") / 60_000 + number / 10
    hdu = fits.ImageHDU(values.astype("float32"), name=name, ver=number)
    if scaled:
        hdu.scale("int16", bscale=1e-4, bzero=0.25)
    for axis, start in ((1, 3.5), (2, -2.25)):
        hdu.header[f"CRPIX{axis}"] = 1.0
        hdu.header[f"CRVAL{axis}"] = start
        hdu.header[f"CDELT{axis}"] = 16.0
    return hdu


def places_of(hdus: fits.HDUList, key: Any, pixels: Any) -> Any:
    """Where pixels (from 1) of an HDU are, with all tables that its header refers to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array(WCS(hdus[key].header, hdus).all_pix2world(pixels, 1))
