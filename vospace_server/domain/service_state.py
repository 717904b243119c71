"""The state that an administrator has put the service into (VOSI, contract 1.8)."""

import enum
from dataclasses import dataclass
from datetime import datetime


class ServiceMode(enum.Enum):
    """What the service does at all; the value is the word on the wire."""

    READ_WRITE = "ReadWrite"
    # Whatever would change something is refused.
    READ_ONLY = "ReadOnly"
    # Nothing is done but to say so.
    OFFLINE = "Offline"

    @property
    def label(self) -> str:
        """The mode as people write it: `read-only`."""
        return self.name.lower().replace("_", "-")

    @property
    def sentence(self) -> str | None:
        """What those are told who are refused; None where nobody is."""
        return _SENTENCES[self]

    @classmethod
    def parse(cls, text: str) -> "ServiceMode":
        """A mode by its word or label, in any case; ValueError with a sentence for others."""
        wanted = text.strip().lower().replace("-", "")
        for mode in cls:
            if mode.value.lower() == wanted:
                return mode
        message = f"the state {text[:40]!r} is none of ReadWrite, ReadOnly and Offline"
        raise ValueError(message)


_SENTENCES = {
    ServiceMode.READ_WRITE: None,
    ServiceMode.READ_ONLY: "service in read-only mode",
    ServiceMode.OFFLINE: "service is offline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A mode, since when, and by whom; None for the state in which every service begins."""

    mode: ServiceMode
    since: datetime | None = None
    by: str | None = None
