"""What is known about a setting, and what is wrong with one."""

from dataclasses import dataclass
from typing import Any


class ConfigError(Exception):
    """The configuration can't be used; the text is one sentence that names the setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known about a setting besides its type and its default.

    `secret` masks it when it is shown and lets it be read from a file that `KEY_file` (or
    `VOSPACE_SECTION_KEY_FILE`) names.
    """

    purpose: str
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    choices: tuple[str, ...] = ()


def about(purpose: str, **known: Any) -> dict[str, About]:
    """The metadata of a field: its purpose in one line, and its bounds (see About)."""
    return {"about": About(purpose=purpose, **known)}
