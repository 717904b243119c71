"""Reading plain JSON values strictly: each must be of the type its key promises."""

from collections.abc import Mapping
from typing import Final

from vospace_model.faults import InvalidData

JsonObject = dict[str, object]

_MAX_INTEGER: Final = 2**63 - 1
_SHOWN_KEY: Final = 60


def object_of(value: object) -> JsonObject:
    """Return `value` if it is a JSON object, else raise InvalidData."""
    if type(value) is not dict:
        raise InvalidData("not a JSON object")
    return value


class JsonReader:
    """Takes values out of a JSON object; a wrong one is InvalidData naming its key.

    An optional value may be missing or null; integers are those a database can hold.
    """

    __slots__ = ("_get",)

    def __init__(self, document: object) -> None:
        self._get = object_of(document).get

    def text(self, key: str) -> str:
        """A string."""
        value = self._get(key)
        if type(value) is not str:
            raise _wrong(key, "a string")
        return value

    def optional_text(self, key: str) -> str | None:
        """A string, or None."""
        value = self._get(key)
        if value is not None and type(value) is not str:
            raise _wrong(key, "a string or null")
        return value

    def integer(self, key: str) -> int:
        """An integer of 64 bits; true and false are none."""
        value = self._get(key)
        if type(value) is not int or not -_MAX_INTEGER <= value <= _MAX_INTEGER:
            raise _wrong(key, "an integer")
        return value

    def optional_integer(self, key: str) -> int | None:
        """An integer of 64 bits, or None."""
        return None if self._get(key) is None else self.integer(key)

    def size(self, key: str) -> int:
        """An integer that is not negative."""
        value = self.integer(key)
        if value < 0:
            raise _wrong(key, "a size")
        return value

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if type(value) is not bool:
            raise _wrong(key, "true or false")
        return value

    def optional_boolean(self, key: str) -> bool | None:
        """True, false or None."""
        return None if self._get(key) is None else self.boolean(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._get(key)
        if type(value) is not list or any(type(item) is not str for item in value):
            raise _wrong(key, "a list of strings")
        return tuple(value)

    def optional_texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings, or None."""
        return None if self._get(key) is None else self.texts(key)

    def optional_text_map(self, key: str) -> Mapping[str, str | None]:
        """An object whose values are strings or null; empty if missing."""
        value = self._get(key)
        if value is None:
            return {}
        if type(value) is not dict:
            raise _wrong(key, "an object")
        inner = JsonReader(value)
        return {name: inner.optional_text(name) for name in value}


def _wrong(key: str, wanted: str) -> InvalidData:
    return InvalidData(f"the value of {key[:_SHOWN_KEY]!r} is not {wanted}")
