"""What an examination finds: fine, worth a look, or broken, and what to do about it."""

import enum
from dataclasses import dataclass


class Verdict(enum.Enum):
    """How bad it is; the value is what the line begins with."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor; `advice` says what to do and is empty when all is well."""

    verdict: Verdict
    subject: str
    text: str
    advice: str = ""


def fine(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(verdict=Verdict.OK, subject=subject, text=text)


def doubtful(subject: str, text: str, advice: str) -> Finding:
    """The space works, but not as well or as safely as it could."""
    return Finding(verdict=Verdict.WARN, subject=subject, text=text, advice=advice)


def broken(subject: str, text: str, advice: str) -> Finding:
    """The space will not work, or not safely."""
    return Finding(verdict=Verdict.FAIL, subject=subject, text=text, advice=advice)
