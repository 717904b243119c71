"""Calibrates a raw STIS CCD exposure: bias level, bias, dark and flat, as the pipeline does.

`python -m tools.demo.calibrate RAW OUTPUT`. The reference files are those that the header of
the raw frame names, and are looked for in the folders of the environment variables `oref` and
`otab`: the program knows nothing of a mount. Plain numpy does it; the result depends on the
input bytes alone (no date, no path), so that two runs can be compared byte for byte.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from tools.demo.reference_names import ReferenceName, references_in, resolve_reference

STEPS = ("BLEVCORR", "BIASCORR", "DARKCORR", "FLATCORR")
EXTENSIONS_PER_EXPOSURE = 3


class NotCalibratable(ValueError):  # noqa: N818 - the condition, not the category
    """The frame, or one of its reference files, lacks what the calibration needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """What the CCD table says of the amplifier: electrons a count, and electrons of noise."""

    gain: float
    read_noise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of the detector that a cut-out shows, and where it begins in the raw pixels."""

    first_row: int
    first_column: int

    def of_raw(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The pixels that saw the sky."""
        return pixels[self.first_row :, self.first_column :]

    def overscan_of(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The pixels read out before the first that saw the sky: the electronic zero."""
        return pixels[self.first_row :, : self.first_column]

    def of_reference(self, pixels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """The same pixels in a reference file, which holds no overscan."""
        return pixels[: shape[0], : shape[1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image reference: its pixels and its quality flags, not yet read from the disk."""

    science: NDArray[Any]
    quality: NDArray[Any]


def calibrate(raw: Path, output: Path, environment: Mapping[str, str]) -> None:
    """Writes the calibrated frame to `output`, replacing a file that is there.

    Raises:
        UnresolvedReference: a reference file is not where the environment says.
        NotCalibratable: the frame is not a STIS CCD frame with overscan, or its amplifier is
            not in the CCD table.
    """
    with fits.open(raw) as frame:
        names = references_in(frame[0].header)
        if frame[0].header["INSTRUME"].strip() != "STIS" or "CCDTAB" not in names:
            raise NotCalibratable(f"{raw.name} is not a raw STIS CCD frame")
        amplifier = read_amplifier(resolve_reference(names["CCDTAB"], environment), frame[0])
        with (
            fits.open(resolve_reference(names["BIASFILE"], environment)) as bias,
            fits.open(resolve_reference(names["DARKFILE"], environment)) as dark,
            fits.open(resolve_reference(names["PFLTFILE"], environment)) as flat,
        ):
            references = [
                Reference(science=file["SCI", 1].data, quality=file["DQ", 1].data)
                for file in (bias, dark, flat)
            ]
            calibrated = [_primary(frame[0], output.name, amplifier, names)]
            for exposure in range(1, (len(frame) - 1) // EXTENSIONS_PER_EXPOSURE + 1):
                calibrated += _calibrated(frame["SCI", exposure], references, amplifier)
            fits.HDUList(calibrated).writeto(output, overwrite=True)


def read_amplifier(table: Path, primary: fits.PrimaryHDU) -> Amplifier:
    """The row of the CCD table for the amplifier and gain with which the frame was read."""
    wanted = (primary.header["CCDAMP"].strip(), primary.header["CCDGAIN"])
    for row in fits.getdata(table, 1):
        if (row["CCDAMP"].strip(), row["CCDGAIN"]) == wanted:
            return Amplifier(gain=float(row["ATODGAIN"]), read_noise=float(row["READNSE"]))
    raise NotCalibratable(f"{table.name} has no amplifier {wanted[0]} with gain {wanted[1]}")


def _primary(
    raw: fits.PrimaryHDU,
    file_name: str,
    amplifier: Amplifier,
    names: Mapping[str, ReferenceName],
) -> fits.PrimaryHDU:
    header = raw.header.copy()
    header["FILENAME"] = file_name
    header["ATODGAIN"] = amplifier.gain
    header["READNSE"] = amplifier.read_noise
    for step in STEPS:
        header[step] = "COMPLETE"
    for keyword in ("CCDTAB", "BIASFILE", "DARKFILE", "PFLTFILE"):
        header.add_history(f"{keyword} {names[keyword].spelling}")
    return fits.PrimaryHDU(header=header)


def _calibrated(
    raw: fits.ImageHDU, references: list[Reference], amplifier: Amplifier
) -> list[fits.ImageHDU]:
    window = Window(first_row=int(raw.header["LTV2"]), first_column=int(raw.header["LTV1"]))
    counts = raw.data.astype(np.float32)
    level = float(np.median(window.overscan_of(counts)))
    science = window.of_raw(counts) - np.float32(level)
    bias, dark, flat = (
        window.of_reference(reference.science, science.shape) for reference in references
    )
    # The noise is the photons' and the amplifier's, both in electrons, brought to counts.
    variance = np.clip(science - bias, 0, None) / amplifier.gain
    error = np.sqrt(variance + (amplifier.read_noise / amplifier.gain) ** 2) / flat
    dark_counts = dark * np.float32(raw.header["EXPTIME"] / amplifier.gain)
    science = (science - bias - dark_counts) / flat
    quality = np.zeros(science.shape, dtype=np.int16)
    for reference in references:
        quality |= window.of_reference(reference.quality, science.shape)
    header = raw.header.copy()
    header["MEANBLEV"] = level
    header["MEANDARK"] = float(dark_counts.mean())
    header["LTV1"] = header["LTV2"] = 0.0
    header["CRPIX1"] -= window.first_column
    header["CRPIX2"] -= window.first_row
    version = raw.ver
    return [
        _extension(science, "SCI", version, header),
        _extension(error, "ERR", version),
        _extension(quality, "DQ", version),
    ]


def _extension(
    pixels: NDArray[Any], name: str, version: int, header: fits.Header | None = None
) -> fits.ImageHDU:
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
    hdu = fits.ImageHDU(pixels, header=header, name=name, ver=version)
    hdu.header["BUNIT"] = "UNITLESS" if name == "DQ" else "COUNTS"
    return hdu


if __name__ == "__main__":
    calibrate(Path(sys.argv[1]), Path(sys.argv[2]), os.environ)
