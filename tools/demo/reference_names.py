"""Names such as `oref$k5h1101io_bia.fits`, which the headers of HST frames hold.

The part before the dollar names an environment variable that holds a folder, by old habit with
a slash at its end; the part after it is a file in that folder. Nothing else about the place of
a reference file is written down anywhere, so whoever sets the variables chooses the tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The folders of an HST reference tree, each known to the software by the variable of its name.
FOLDERS = ("comp", "iref", "jref", "lref", "mtab", "nref", "oref", "uref")
# Variables that point into another one's folder: STIS tables lie beside its images, and the
# engineering files of WFPC2 beside its references.
SHARED_FOLDERS = {"otab": "oref", "ucal": "uref"}

_NAME = re.compile(r"([a-z]+)\$([A-Za-z0-9_]+\.[A-Za-z0-9]+)")


class UnresolvedReference(LookupError):  # noqa: N818 - the condition, not the category
    """A reference name that leads to no file; the message says which part is missing."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ReferenceName:
    """A folder variable and a file name: `oref` and `k5h1101io_bia.fits`."""

    variable: str
    file_name: str

    @property
    def spelling(self) -> str:
        """The name as headers hold it."""
        return f"{self.variable}${self.file_name}"

    @property
    def folder(self) -> str:
        """The folder of the tree that the variable stands for."""
        return SHARED_FOLDERS.get(self.variable, self.variable)

    @property
    def kind(self) -> str:
        """What the file is, by its suffix: `bia` of `…_bia.fits`, `r2h` of `….r2h`."""
        stem, _, extension = self.file_name.rpartition(".")
        return stem.rpartition("_")[2] if extension == "fits" else extension


def parse_reference(text: str) -> ReferenceName | None:
    """The reference that a header value names; None for `N/A`, blanks and plain words."""
    match = _NAME.fullmatch(text.strip())
    if match is None:
        return None
    return ReferenceName(variable=match[1], file_name=match[2])


def references_in(header: Mapping[str, Any]) -> dict[str, ReferenceName]:
    """The references that a header names, by keyword, in the order of the header."""
    found: dict[str, ReferenceName] = {}
    for keyword, value in header.items():
        name = parse_reference(value) if isinstance(value, str) else None
        if name is not None:
            found[keyword] = name
    return found


def reference_environment(tree: Path) -> dict[str, str]:
    """The variables that make `tree` the reference tree, each ending in a slash."""
    variables = {name: f"{tree / name}/" for name in FOLDERS}
    return variables | {name: variables[folder] for name, folder in SHARED_FOLDERS.items()}


def resolve_reference(name: ReferenceName, environment: Mapping[str, str]) -> Path:
    """The path of the file.

    Raises:
        UnresolvedReference: the variable is not set, or no such file is in its folder.
    """
    folder = environment.get(name.variable)
    if folder is None:
        raise UnresolvedReference(f"{name.spelling}: the variable {name.variable} is not set")
    path = Path(folder) / name.file_name
    if not path.is_file():
        raise UnresolvedReference(f"{name.spelling}: there is no file {path}")
    return path
