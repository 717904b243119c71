"""Escaping, through which all that is written passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.vospace_model.strategies import texts
from vospace_model import InvalidData
from vospace_model.xml.markup import attribute, element, escape, wrap


@given(texts)
def test_every_text_survives_as_content_and_as_attribute(text: str) -> None:
    root = etree.fromstring(element("a", text, attribute("b", text)).encode())

    assert (root.text or "") == text
    assert root.get("b") == text


@given(st.characters())
def test_exactly_the_characters_that_xml_can_hold_are_written(character: str) -> None:
    try:
        written = escape(character)
    except InvalidData as refused:
        assert refused.detail == f"XML cannot hold the character U+{ord(character):04X}"
        with pytest.raises((ValueError, etree.XMLSyntaxError)):
            etree.fromstring(f"<a>&#{ord(character)};</a>".encode())
    else:
        assert etree.fromstring(f"<a>{written}</a>".encode()).text == character


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\ufffe", "\uffff"])
def test_impossible_character_is_refused_by_its_number(character: str) -> None:
    with pytest.raises(InvalidData, match=rf"U\+{ord(character):04X}"):
        escape(f"a{character}b")


def test_plain_text_is_not_touched() -> None:
    text = "plain é 'text'"

    assert escape(text) is text


def test_empty_element_is_closed_at_once() -> None:
    assert wrap("a", []) == "<a/>"
    assert wrap("a", ["<b/>"], ' c="d"') == '<a c="d"><b/></a>'
