"""Strict reading of JSON values."""

from collections.abc import Callable

import pytest

from vospace_model import InvalidData
from vospace_model.json_values import JsonReader, object_of


def test_values_of_the_right_type_are_taken() -> None:
    read = JsonReader(
        {"t": "x", "i": -(2**63) + 1, "s": 0, "b": True, "l": ["x"], "m": {"k": None, "v": ""}}
    )

    assert (read.text("t"), read.optional_text("t")) == ("x", "x")
    assert (read.integer("i"), read.optional_integer("i")) == (-(2**63) + 1, -(2**63) + 1)
    assert read.size("s") == 0
    assert (read.boolean("b"), read.optional_boolean("b")) == (True, True)
    assert (read.texts("l"), read.optional_texts("l")) == (("x",), ("x",))
    assert read.optional_text_map("m") == {"k": None, "v": ""}


@pytest.mark.parametrize("document", [{}, {"k": None}])
def test_missing_optional_value_is_none(document: object) -> None:
    read = JsonReader(document)

    assert read.optional_text("k") is None
    assert read.optional_integer("k") is None
    assert read.optional_boolean("k") is None
    assert read.optional_texts("k") is None
    assert read.optional_text_map("k") == {}


@pytest.mark.parametrize(
    ("take", "wrong", "wanted"),
    [
        (JsonReader.text, [None, 1, True, [], {}], "a string"),
        (JsonReader.optional_text, [1, True, [], {}], "a string or null"),
        (JsonReader.integer, [None, "1", True, 1.0, 2**63, -(2**63)], "an integer"),
        (JsonReader.optional_integer, ["1", False], "an integer"),
        (JsonReader.size, [-1], "a size"),
        (JsonReader.boolean, [None, 1, 0, "true"], "true or false"),
        (JsonReader.optional_boolean, [1, "true"], "true or false"),
        (JsonReader.texts, [None, "x", [1], ["x", None]], "a list of strings"),
        (JsonReader.optional_texts, ["x", [1]], "a list of strings"),
        (JsonReader.optional_text_map, ["x", []], "an object"),
    ],
)
def test_value_of_a_wrong_type_is_refused_by_its_key(
    take: Callable[[JsonReader, str], object], wrong: list[object], wanted: str
) -> None:
    for value in wrong:
        with pytest.raises(InvalidData) as refused:
            take(JsonReader({"key": value}), "key")

        assert refused.value.detail == f"the value of 'key' is not {wanted}"


def test_wrong_value_inside_a_map_is_refused_by_the_inner_key() -> None:
    with pytest.raises(InvalidData, match="the value of 'inner' is not a string or null"):
        JsonReader({"outer": {"inner": 1}}).optional_text_map("outer")


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(InvalidData, match="not a JSON object"):
        object_of(document)
