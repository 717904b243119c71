"""How numbers, sizes and times are written for people."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from vospace_server.domain.group import Member
from vospace_server.web.languages import Language

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP: Final = 1024
_NARROW_SPACE: Final = "\u202f"
_NO_BREAK_SPACE: Final = "\u00a0"


def number(value: int, language: Language) -> str:
    """A whole number with its thousands apart."""
    mark = _NARROW_SPACE if language.code == "fr" else ","
    return f"{value:,}".replace(",", mark)


def size(value: int | None, language: Language) -> str:
    """Bytes in the unit that leaves one to four digits, with two decimals."""
    if value is None:
        return "—"
    amount, unit = float(value), 0
    # What rounds to 1024.00 of a unit is 1.00 of the next one.
    while round(abs(amount), 2) >= _STEP and unit < len(_UNITS) - 1:
        amount /= _STEP
        unit += 1
    shown = str(value) if unit == 0 else f"{amount:.2f}"
    if language.code == "fr":
        shown = shown.replace(".", ",")
    unit_name = _UNITS[unit].replace("B", "o") if language.code == "fr" else _UNITS[unit]
    return f"{shown}{_NO_BREAK_SPACE}{unit_name}"


def moment(value: datetime | None) -> Markup:
    """A time in UTC, to the second, in an element that says so; a dash for none."""
    if value is None:
        return Markup("<span aria-hidden='true'>—</span>")
    return Markup('<time datetime="{}">{}</time>').format(
        f"{value:%Y-%m-%dT%H:%M:%SZ}", f"{value:%Y-%m-%d %H:%M:%S}"
    )


def day(value: datetime | None) -> Markup:
    """The day of a time in UTC; its element says the time."""
    if value is None:
        return Markup("<span aria-hidden='true'>—</span>")
    return Markup('<time datetime="{}">{}</time>').format(
        f"{value:%Y-%m-%dT%H:%M:%SZ}", f"{value:%Y-%m-%d}"
    )


def written(member: Member) -> str:
    """A member as forms carry it, so that it is read back as what it is."""
    return f"{member.kind.value}:{member.value}"


def formats_in(language: Language) -> Mapping[str, Callable[..., Any]]:
    """The functions that templates call, for one language."""
    return {
        "number": lambda value: number(value, language),
        "size": lambda value: size(value, language),
        "moment": moment,
        "day": day,
    }
