"""JobCursor: how far a job has come, and how often it was interrupted without getting on."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCursor:
    """Where a job goes on. `place` is JSON of the kind's own shape; None: at the start.

    `interruptions` counts how often a worker died over the job since `place` was written, so
    that a job which takes its worker down can't do so for ever.
    """

    place: Any = None
    interruptions: int = 0

    def encode(self) -> str:
        """Text that `decode` reads back."""
        content = {"place": self.place, "interruptions": self.interruptions}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str | None) -> "JobCursor":
        """The cursor that `encode` wrote; the start for None."""
        if text is None:
            return cls()
        content: dict[str, Any] = json.loads(text)
        return cls(place=content["place"], interruptions=content["interruptions"])
