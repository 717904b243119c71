"""From what a file, a variable or an option says to the value of a setting."""

import math
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vospace_server.config.settings import About, ConfigError


class _ExpectedError(ValueError):
    """The text says what a value must be."""


_SWITCH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise _ExpectedError("text")
    return raw


def _integer(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise _ExpectedError("a whole number")
    try:
        return int(raw)
    except ValueError:
        raise _ExpectedError("a whole number") from None


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise _ExpectedError("a number")
    try:
        return float(raw)
    except ValueError:
        raise _ExpectedError("a number") from None


def _switch(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in _SWITCH:
        return _SWITCH[raw.lower()]
    raise _ExpectedError("true or false")


def _path(raw: object) -> Path:
    return Path(_text(raw)).expanduser()


def _texts(raw: object) -> tuple[str, ...]:
    """A TOML array, or comma-separated text where only text is possible."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise _ExpectedError("a list of texts")
    return tuple(part.strip() for part in parts if part.strip())


_PARSERS: dict[Any, Callable[[object], Any]] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _switch,
    Path: _path,
    tuple[str, ...]: _texts,
}


def parse_value(section: type[Any], name: str, raw: object, *, origin: str) -> Any:
    """The typed value of one field of a section.

    Raises ConfigError that names the setting, what it must be, what was given and where.
    """
    about: About = section.__dataclass_fields__[name].metadata["about"]
    kind = typing.get_type_hints(section)[name]
    if kind not in _PARSERS:
        # An optional setting is left out to be None, so a value is always of the other type.
        kind = next(part for part in typing.get_args(kind) if part in _PARSERS)
    try:
        value = _PARSERS[kind](raw)
        _check_bounds(about, value)
    except ValueError as error:
        shown = "what is given" if about.secret else repr(raw)
        raise ConfigError(f"{origin} must be {error}, not {shown}") from None
    return value


def _check_bounds(about: About, value: Any) -> None:
    """Raises ValueError with what the value must be."""
    if about.choices and value not in about.choices:
        raise _ExpectedError("one of " + ", ".join(about.choices))
    low = -math.inf if about.minimum is None else about.minimum
    high = math.inf if about.maximum is None else about.maximum
    if isinstance(value, int | float) and not low <= value <= high:
        upper = "" if about.maximum is None else f" and at most {high:g}"
        raise _ExpectedError(f"at least {low:g}{upper}")
