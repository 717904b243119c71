"""Distinguished names in every spelling that people and programs use."""

import pytest

from vospace_server.domain.distinguished_name import NotADistinguishedNameError, normalise_dn

ANN = "cn=ann example,ou=ast,o=grid,c=ca"


@pytest.mark.parametrize(
    "spelling",
    [
        "/C=CA/O=Grid/OU=Ast/CN=Ann Example",
        "/CN=Ann Example/OU=Ast/O=Grid/C=CA",
        "CN=Ann Example,OU=Ast,O=Grid,C=CA",
        "CN=Ann Example, OU=Ast, O=Grid, C=CA",
        "C=CA, O=Grid, OU=Ast, CN=Ann Example",
        "cn = ann  example ; ou = ast ; o = grid ; c = ca",
        '  CN="Ann Example",OU=Ast,O=Grid,C=CA ',
    ],
)
def test_all_spellings_of_one_name_are_one_name(spelling: str) -> None:
    assert normalise_dn(spelling) == ANN


def test_the_one_form_is_its_own_one_form() -> None:
    assert normalise_dn(ANN) == ANN


def test_a_slash_inside_a_value_is_no_separator() -> None:
    assert normalise_dn("/O=Grid/CN=host/www.example.org") == "cn=host/www.example.org,o=grid"


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("CN=Example\\, Ann,O=Grid", "cn=example\\, ann,o=grid"),
        ('CN="Example, Ann",O=Grid', "cn=example\\, ann,o=grid"),
        ("/O=Grid/CN=Example, Ann", "cn=example\\, ann,o=grid"),
        ("/DC=org/DC=example/CN=Ann", "cn=ann,dc=example,dc=org"),
        ("/O=Grid/CN=Ann/Email=a@b.org", "emailaddress=a@b.org,cn=ann,o=grid"),
        ("2.5.4.3=Ann,O=Grid", "2.5.4.3=ann,o=grid"),
    ],
)
def test_commas_types_and_order_survive(spelling: str, expected: str) -> None:
    assert normalise_dn(spelling) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "/",
        "/CN",
        "CN=",
        "=Ann",
        "CN=Ann,,O=Grid",
        "CN=Ann,",
        "CN=A\nO=B",
        "C" * 2000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NotADistinguishedNameError):
        normalise_dn(text)
