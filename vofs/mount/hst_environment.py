"""The variables under which HST's calibration programs look for reference files.

Task software reads `iref`, `jref`, … as folders with a slash at the end, and header keywords
say `oref$k5h1101io_bia.fits`.
"""

import shlex
from pathlib import Path
from typing import Final

_FOLDERS: Final = (
    "iref",
    "jref",
    "lref",
    "nref",
    "oref",
    "uref",
    "xref",
    "yref",
    "mtab",
    "otab",
    "comp",
)
# Where the folders may be below a mountpoint: the tree of the telescope, or CRDS's.
_TREES: Final = ("", "hst-refer", "data/hst-refer", "references/hst")


def exports(mountpoint: Path) -> list[str]:
    """Shell commands that point the variables into the mount; empty when nothing fits."""
    for tree in _TREES:
        base = mountpoint / tree
        found = [name for name in _FOLDERS if (base / name).is_dir()]
        if found:
            return [f"export {name}={shlex.quote(f'{base / name}/')}" for name in found]
    return []
