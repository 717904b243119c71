"""Names of groups and their spellings."""

import pytest

from vospace_model.faults import InvalidURI
from vospace_server.domain.account import InvalidValueError
from vospace_server.domain.group import GroupNaming, check_group_name

NAMING = GroupNaming(service_id="ivo://localhost/gms", aliases=["ivo://cadc.nrc.ca/gms"])


@pytest.mark.parametrize(
    "text",
    [
        "ivo://localhost/gms?HST-RO",
        "ivo://localhost/gms#HST-RO",
        "ivo://LOCALHOST/gms?HST-RO",
        "ivo://cadc.nrc.ca/gms?HST-RO",
        "ivo://cadc.nrc.ca/gms#HST-RO",
    ],
)
def test_every_spelling_of_our_group_is_one_uri(text: str) -> None:
    assert NAMING.normalise(text) == "ivo://localhost/gms?HST-RO"
    assert NAMING.own_name(text) == "HST-RO"


def test_case_matters_in_the_name() -> None:
    assert NAMING.normalise("ivo://localhost/gms?hst-ro") != NAMING.uri("HST-RO")


def test_groups_of_others_stay_theirs() -> None:
    assert NAMING.normalise("ivo://other.org/ns/gms#g") == "ivo://other.org/ns/gms?g"
    assert NAMING.own_name("ivo://other.org/ns/gms?g") is None


@pytest.mark.parametrize(
    "text", ["ivo://localhost/gms", "http://x/gms?g", "ivo://localhost/gms?"]
)
def test_what_is_no_group_uri_is_refused(text: str) -> None:
    with pytest.raises(InvalidURI):
        NAMING.own_name(text)


@pytest.mark.parametrize("name", ["a", "HST-RO", "a.b.c_d~e-9", "x" * 255])
def test_these_names_can_be_groups(name: str) -> None:
    assert check_group_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a b", "a,b", ".", "..", "a/b", "a?b", "ä", "x" * 256, "a\n"]
)
def test_no_other_names_can_be_groups(name: str) -> None:
    with pytest.raises(InvalidValueError):
        check_group_name(name)
