"""Generated image references: bias, dark and flat frames as the archive serves them.

Each has an empty primary with the keywords by which pipelines choose reference files, then for
every chip an image, its error and its quality flags, in the dtypes of the instrument.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

from tools.demo.seeded_noise import bad_pixels, gaussian, generator_for

HOT_PIXEL = 16  # the STIS and ACS flag for a hot pixel
BAD_SHARE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A detector: how many chips, how large, and what the file says of it."""

    instrument: str
    detector: str
    chips: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the pixels of one kind of reference are: FILETYPE, unit, level and scatter."""

    file_type: str
    unit: str
    level: float
    scatter: float


STIS_CCD = Camera(instrument="STIS", detector="CCD", chips=1, rows=1024, columns=1024)
ACS_WFC = Camera(instrument="ACS", detector="WFC", chips=2, rows=2048, columns=4096)
# A corner of each chip. The dark is whole, for its 168 MB; the other ACS references hold this
# corner, so that the tree stays small enough for a laptop.
ACS_WFC_CORNER = Camera(instrument="ACS", detector="WFC", chips=2, rows=512, columns=1024)
WFC3_IR = Camera(instrument="WFC3", detector="IR", chips=1, rows=1024, columns=1024)
NICMOS = Camera(instrument="NICMOS", detector="3", chips=1, rows=256, columns=256)
COS_NUV = Camera(instrument="COS", detector="NUV", chips=1, rows=1024, columns=1024)

EXPOSURES = {
    "bia": Exposure(file_type="BIAS IMAGE", unit="COUNTS", level=0.2, scatter=0.3),
    "drk": Exposure(file_type="DARK IMAGE", unit="COUNTS/S", level=0.004, scatter=0.001),
    "pfl": Exposure(file_type="PIXEL-TO-PIXEL FLAT", unit="", level=1.0, scatter=0.01),
    "fls": Exposure(file_type="POST FLASH", unit="ELECTRONS/S", level=1.8, scatter=0.05),
    "shd": Exposure(file_type="SHUTTER SHADING", unit="SECONDS", level=0.0, scatter=0.002),
    "dxy": Exposure(file_type="DXY GRID", unit="PIXELS", level=0.0, scatter=0.01),
    "flt": Exposure(file_type="SCI", unit="ELECTRONS", level=120.0, scatter=11.0),
}


def primary_hdu(name: str, file_type: str, camera: Camera) -> fits.PrimaryHDU:
    """The primary with the keywords by which a pipeline recognises the file."""
    hdu = fits.PrimaryHDU()
    header = hdu.header
    header["FILENAME"] = (name, "name of file")
    header["FILETYPE"] = (file_type, "type of data found in data file")
    header["TELESCOP"] = ("HST", "telescope used to acquire data")
    header["INSTRUME"] = (camera.instrument, "identifier for instrument")
    header["DETECTOR"] = (camera.detector, "detector in use")
    header["USEAFTER"] = ("Oct 01 1996 00:00:00", "first date of validity")
    header["PEDIGREE"] = ("DUMMY", "generated for the vospace demonstration")
    header["DESCRIP"] = ("Generated reference file, seeded by its name", "what this is")
    return hdu


def write_image_reference(path: Path, camera: Camera, exposure: Exposure) -> None:
    """Writes SCI, ERR and DQ of every chip; the same bytes for the same name."""
    random = generator_for(path.name)
    shape = (camera.rows, camera.columns)
    hdus = fits.HDUList([primary_hdu(path.name, exposure.file_type, camera)])
    for chip in range(1, camera.chips + 1):
        science = gaussian(random, shape, level=exposure.level, scatter=exposure.scatter)
        error = np.abs(gaussian(random, shape, level=exposure.scatter, scatter=0.0005))
        quality = bad_pixels(random, shape, share=BAD_SHARE, flag=HOT_PIXEL)
        for extension, pixels in (("SCI", science), ("ERR", error), ("DQ", quality)):
            hdu = fits.ImageHDU(pixels, name=extension, ver=chip)
            hdu.header["CCDCHIP"] = chip
            hdu.header["BUNIT"] = exposure.unit if extension != "DQ" else "UNITLESS"
            hdus.append(hdu)
    hdus[0].header["NEXTEND"] = len(hdus) - 1
    hdus.writeto(path)


def write_infrared_dark(path: Path, camera: Camera, reads: int) -> None:
    """Writes a non-destructive sequence: five planes for every read, the last read first."""
    random = generator_for(path.name)
    shape = (camera.rows, camera.columns)
    hdus = fits.HDUList([primary_hdu(path.name, "DARK IMAGE", camera)])
    for version in range(1, reads + 1):
        seconds = 10.0 * (reads - version)
        planes = {
            "SCI": gaussian(random, shape, level=0.05 * seconds, scatter=0.2),
            "ERR": np.abs(gaussian(random, shape, level=0.2, scatter=0.01)),
            "DQ": bad_pixels(random, shape, share=BAD_SHARE, flag=HOT_PIXEL),
            "SAMP": np.full(shape, reads - version, dtype=np.int16),
            "TIME": np.full(shape, seconds, dtype=np.float32),
        }
        hdus.extend(
            fits.ImageHDU(pixels, name=extension, ver=version)
            for extension, pixels in planes.items()
        )
    hdus[0].header["NSAMP"] = reads
    hdus[0].header["NEXTEND"] = len(hdus) - 1
    hdus.writeto(path)
