"""GEIS images, the format of HST's first decade: a text header beside a file of bare pixels.

`e6o0937du.r2h` is the header, `e6o0937du.r2d` the pixels of all groups, each followed by its
binary group parameters. WFPC2 has one group per chip. No library that we use writes the format,
so the little of it that is needed stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.demo.seeded_noise import bad_pixels, gaussian, generator_for

CARD_LENGTH = 80
WFPC2_CHIPS = 4
# The frames were read out in AREA mode: 2 x 2 pixels binned, 400 x 400 of 800 x 800.
AREA_MODE = (400, 400)
STATIC_DEFECT = 4  # the WFPC2 flag for a static defect


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupImage:
    """One kind of GEIS reference: FILETYPE, shape of a group, level (None: a mask)."""

    file_type: str
    shape: tuple[int, int] = AREA_MODE
    level: float | None = None
    scatter: float = 0.0


GROUP_IMAGES = {
    "r0h": GroupImage(file_type="MASK"),
    "r1h": GroupImage(file_type="ATOD", shape=(1, 4096), level=2048.0, scatter=1.0),
    "r2h": GroupImage(file_type="BIAS", level=0.35, scatter=0.15),
    "b2h": GroupImage(file_type="BIAS DQF"),
    "r3h": GroupImage(file_type="DARK", level=0.002, scatter=0.0005),
    "b3h": GroupImage(file_type="DARK DQF"),
    "r4h": GroupImage(file_type="FLAT", level=1.0, scatter=0.015),
    "b4h": GroupImage(file_type="FLAT DQF"),
    "r5h": GroupImage(file_type="SHADING", level=0.0, scatter=0.005),
    "x0h": GroupImage(
        file_type="EXTRACTED ENGINEERING", shape=(400, 14), level=312.0, scatter=1.1
    ),
    "q1h": GroupImage(file_type="EXTRACTED ENGINEERING DQF", shape=(400, 14)),
}


def pixel_file(header_file: Path) -> Path:
    """The file of pixels that belongs to a header file: the last letter `h` becomes `d`."""
    return header_file.with_name(f"{header_file.name[:-1]}d")


def write_geis_reference(path: Path, image: GroupImage) -> None:
    """Writes the header at `path` and the pixels beside it, the same for the same name."""
    random = generator_for(path.name)
    with pixel_file(path).open("wb") as output:
        for chip in range(1, WFPC2_CHIPS + 1):
            output.write(_pixels(random, image).tobytes())
            output.write(np.array(chip, dtype=">i4").tobytes())
    path.write_text("".join(f"{card}\n" for card in _cards(path.name, image)), encoding="ascii")


def _pixels(random: np.random.Generator, image: GroupImage) -> NDArray[np.generic]:
    if image.level is None:
        return bad_pixels(random, image.shape, share=0.002, flag=STATIC_DEFECT).astype(">i2")
    return gaussian(random, image.shape, level=image.level, scatter=image.scatter).astype(">f4")


def _cards(name: str, image: GroupImage) -> list[str]:
    rows, columns = image.shape
    is_mask = image.level is None
    values: dict[str, str] = {
        "SIMPLE": "F",
        "BITPIX": "16" if is_mask else "32",
        "DATATYPE": "'INTEGER*2'" if is_mask else "'REAL*4  '",
        "NAXIS": "2",
        "NAXIS1": str(columns),
        "NAXIS2": str(rows),
        "GROUPS": "T",
        "GCOUNT": str(WFPC2_CHIPS),
        "PCOUNT": "1",
        "PSIZE": "32",
        "PTYPE1": "'DETECTOR'",
        "PDTYPE1": "'INTEGER*4'",
        "PSIZE1": "32",
        "INSTRUME": "'WFPC2   '",
        "FILETYPE": f"'{image.file_type}'",
        "ROOTNAME": f"'{name.partition('.')[0].upper()}'",
        "USEAFTER": "'01/01/94 00:00:00'",
        "PEDIGREE": "'DUMMY   '",
    }
    cards = [f"{keyword:<8}= {value:>20}" for keyword, value in values.items()]
    return [f"{card:<{CARD_LENGTH}}" for card in [*cards, "END"]]
