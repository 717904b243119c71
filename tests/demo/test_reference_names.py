from pathlib import Path

import pytest

from tools.demo.real_frames import STIS_RAW, named_references
from tools.demo.reference_names import (
    ReferenceName,
    UnresolvedReference,
    parse_reference,
    reference_environment,
    resolve_reference,
)

BIAS = ReferenceName(variable="oref", file_name="k5h1101io_bia.fits")


def test_a_header_value_with_a_dollar_is_a_folder_and_a_file() -> None:
    assert parse_reference("oref$k5h1101io_bia.fits  ") == BIAS


@pytest.mark.parametrize(
    "value", ["N/A", "", "    ", "oref$", "oref$../secret.fits", "a b$c.d"]
)
def test_other_header_values_are_no_references(value: str) -> None:
    assert parse_reference(value) is None


def test_the_kind_is_the_suffix_of_fits_and_the_extension_of_geis() -> None:
    assert BIAS.kind == "bia"
    assert ReferenceName(variable="uref", file_name="e6o0937du.r2h").kind == "r2h"


def test_every_variable_ends_in_a_slash_and_otab_shares_the_folder_of_oref() -> None:
    environment = reference_environment(Path("/mnt/hst-refer"))

    assert environment["iref"] == "/mnt/hst-refer/iref/"
    assert environment["otab"] == environment["oref"] == "/mnt/hst-refer/oref/"


def test_a_name_is_resolved_through_its_variable(tmp_path: Path) -> None:
    (tmp_path / BIAS.file_name).write_bytes(b"bias")

    assert resolve_reference(BIAS, {"oref": f"{tmp_path}/"}) == tmp_path / BIAS.file_name


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(UnresolvedReference, match="the variable oref is not set"):
        resolve_reference(BIAS, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnresolvedReference, match=r"there is no file .*k5h1101io_bia\.fits"):
        resolve_reference(BIAS, {"oref": f"{tmp_path}/"})


def test_the_real_frames_name_45_references_of_three_instruments() -> None:
    named = named_references()

    assert len(named) == 45
    assert named[BIAS] == "STIS"
    assert set(named.values()) == {"ACS", "STIS", "WFPC2"}


def test_a_real_frame_is_copied_whole(tmp_path: Path) -> None:
    copy = STIS_RAW.copy_to(tmp_path)

    assert copy.name == "o4sp040b0_raw.fits"
    assert copy.stat().st_size == 74_880
