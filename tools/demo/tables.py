"""Generated table references: the small FITS tables that a pipeline opens beside the images.

The columns are those of the real tables; the values are made up, except in the CCD table, from
which the demonstration's calibration takes the gain and the read noise of the amplifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from tools.demo.images import Camera, primary_hdu
from tools.demo.seeded_noise import generator_for


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """What a kind of table holds: FILETYPE, rows, and columns as `NAME:FORMAT`."""

    file_type: str
    rows: int
    columns: str


LAYOUTS = {
    "bpx": TableLayout(
        file_type="BAD PIXELS", rows=120, columns="PIX1:J PIX2:J LENGTH:J AXIS:I VALUE:I"
    ),
    "crr": TableLayout(
        file_type="COSMIC RAY REJECTION",
        rows=8,
        columns="CRSPLIT:I MEANEXP:E SCALENSE:E INITGUES:8A SKYSUB:4A CRSIGMAS:20A CRRADIUS:E",
    ),
    "pht": TableLayout(
        file_type="PHOTOMETRIC CONVERSION TABLE",
        rows=40,
        columns="OPT_ELEM:12A CENWAVE:J SPORDER:I NELEM:J WAVELENGTH:1024E THROUGHPUT:1024E",
    ),
    "apt": TableLayout(
        file_type="APERTURE THROUGHPUT TABLE",
        rows=60,
        columns="APERTURE:16A NELEM:J WAVELENGTH:64E THROUGHPUT:64E",
    ),
    "apd": TableLayout(
        file_type="APERTURE DESCRIPTION",
        rows=80,
        columns="APERTURE:16A ANGLE:E OFFSET1:E OFFSET2:E WIDTH1:E WIDTH2:E",
    ),
    "1dt": TableLayout(
        file_type="1-D SPECTRUM TRACE TABLE",
        rows=90,
        columns="OPT_ELEM:12A CENWAVE:J SPORDER:I A1CENTER:D A2CENTER:D A2DISPL:1024E",
    ),
    "dsp": TableLayout(
        file_type="DISPERSION COEFFICIENTS",
        rows=90,
        columns="OPT_ELEM:12A CENWAVE:J SPORDER:I REF_APER:12A A1CENTER:D COEFF:9D",
    ),
    "iac": TableLayout(
        file_type="INCIDENCE ANGLE CORRECTION",
        rows=40,
        columns="OPT_ELEM:12A CENWAVE:J SPORDER:I COEFF1:7D COEFF2:2D",
    ),
    "lmp": TableLayout(
        file_type="TEMPLATE LAMP SPECTRUM", rows=3000, columns="WAVELENGTH:D FLUX:E"
    ),
    "sdc": TableLayout(
        file_type="2-D SPECTRUM DISTORTION",
        rows=60,
        columns="OPT_ELEM:12A CENWAVE:J SPORDER:I A2CENTER:D CDELT2:D CTYPE2:12A",
    ),
    "1dx": TableLayout(
        file_type="1-D EXTRACTION PARAMETERS",
        rows=90,
        columns="OPT_ELEM:12A CENWAVE:J SPORDER:I EXTRSIZE:E BK1SIZE:E BK2SIZE:E BK1OFFST:E",
    ),
    "pct": TableLayout(
        file_type="PHOTOMETRIC CORRECTION TABLE",
        rows=60,
        columns="CENWAVE:J APERTURE:16A EXTRHEIGHT:I NELEM:J WAVELENGTH:32E THROUGHPUT:32E",
    ),
    "wcp": TableLayout(
        file_type="WAVECAL PARAMETERS",
        rows=20,
        columns="OPT_ELEM:12A WL_TRIM1:J WL_TRIM2:J SP_TRIM1:J SP_TRIM2:J WL_RANGE:J",
    ),
    "a2d": TableLayout(
        file_type="ANALOG-TO-DIGITAL",
        rows=16,
        columns="CCDAMP:4A CCDGAIN:E REF_KEY:8A ATOD:256E",
    ),
    "osc": TableLayout(
        file_type="OVERSCAN", rows=12, columns="CCDAMP:4A CCDCHIP:J NX:J NY:J TRIMX1:J TRIMX2:J"
    ),
    "idc": TableLayout(
        file_type="DISTORTION COEFFICIENTS",
        rows=24,
        columns="DETCHIP:I DIRECTION:8A FILTER1:8A XSIZE:I YSIZE:I CX:10D CY:10D",
    ),
    "mdz": TableLayout(
        file_type="MULTIDRIZZLE PARAMETERS", rows=6, columns="FILTER1:8A NUMIMAGES:J KERNEL:8A"
    ),
    "tmg": TableLayout(
        file_type="GRAPH TABLE",
        rows=400,
        columns="COMPNAME:20A KEYWORD:12A INNODE:J OUTNODE:J THCOMPNAME:20A COMMENT:40A",
    ),
    "tmc": TableLayout(
        file_type="COMPONENT TABLE", rows=400, columns="TIME:26A COMPNAME:18A FILENAME:50A"
    ),
    "syn": TableLayout(
        file_type="THROUGHPUT TABLE", rows=700, columns="WAVELENGTH:E THROUGHPUT:E"
    ),
    "ccd": TableLayout(file_type="CCD CALIBRATION PARAMETERS", rows=8, columns=""),
}

# Amplifier, commanded gain, measured gain (electrons a count), read noise (electrons).
STIS_AMPLIFIERS = (
    ("A", 1, 0.995, 4.06),
    ("A", 4, 4.039, 6.31),
    ("B", 1, 0.990, 4.10),
    ("B", 4, 4.030, 6.40),
    ("C", 1, 0.998, 4.02),
    ("C", 4, 4.029, 6.28),
    ("D", 1, 1.000, 4.0),
    ("D", 4, 4.08, 7.2),
)


def write_table_reference(path: Path, layout: TableLayout, camera: Camera) -> None:
    """Writes the table as the file's first extension; the same bytes for the same name."""
    columns = _made_up_columns(path.name, layout) if layout.columns else _amplifier_columns()
    hdus = fits.HDUList(
        [
            primary_hdu(path.name, layout.file_type, camera),
            fits.BinTableHDU.from_columns(columns, name="TABLE"),
        ]
    )
    hdus.writeto(path)


def _amplifier_columns() -> list[Any]:
    amplifier, gain, measured, noise = zip(*STIS_AMPLIFIERS, strict=True)
    return [
        fits.Column(name="CCDAMP", format="4A", array=np.array(amplifier)),
        fits.Column(name="CCDGAIN", format="J", array=np.array(gain)),
        fits.Column(name="ATODGAIN", format="E", array=np.array(measured)),
        fits.Column(name="READNSE", format="E", array=np.array(noise)),
    ]


def _made_up_columns(name: str, layout: TableLayout) -> list[Any]:
    random = generator_for(name)
    columns = []
    for column in layout.columns.split():
        title, _, form = column.partition(":")
        values = _values(random, title, form, layout.rows)
        columns.append(fits.Column(name=title, format=form, array=values))
    return columns


def _values(random: np.random.Generator, title: str, form: str, rows: int) -> NDArray[Any]:
    kind, repeat = form[-1], int(form[:-1] or "1")
    if kind == "A":
        return np.array([f"{title[:4]}{row:03d}"[:repeat] for row in range(rows)])
    if kind in "IJ":
        return np.arange(1, rows + 1)
    shape = (rows,) if repeat == 1 else (rows, repeat)
    if title == "WAVELENGTH":
        return np.sort(random.uniform(1150.0, 10300.0, shape), axis=-1)
    return random.uniform(0.0, 1.0, shape)
