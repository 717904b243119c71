from pathlib import Path

import pytest

from tools.demo.real_frames import STIS_RAW, named_references
from tools.demo.reference_names import reference_environment
from tools.demo.reference_tree import write_reference

NEEDED = {"bia", "drk", "pfl", "ccd"}


@pytest.fixture(scope="session")
def stis_references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a tree that holds what the STIS frame's calibration reads."""
    tree = tmp_path_factory.mktemp("hst-refer")
    (tree / "oref").mkdir()
    for name, instrument in named_references((STIS_RAW,)).items():
        if name.kind in NEEDED:
            write_reference(tree / name.folder / name.file_name, name, instrument)
    return reference_environment(tree)


@pytest.fixture
def raw_frame(tmp_path: Path) -> Path:
    return STIS_RAW.copy_to(tmp_path)
