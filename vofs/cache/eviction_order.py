"""What goes first when room is needed: a pure policy over times of use.

The least recently used goes first, with three corrections:

- What was used again after a while counts as used much later than it was, so that a scan of
  everything once does not throw out what is needed every day.
- What was used, or fetched for a reader, just now goes last, whatever else there is.
- Of the older half of the groups of large contents, any may go. Programs read large files from
  the start to the end, again and again; if the files are larger than the cache, strict order
  would throw out each group shortly before it is read again, and no read would ever hit.
"""

import random
from dataclasses import dataclass
from statistics import median
from typing import Final

# How much later what was used again counts as used.
_BONUS_SECONDS: Final = 24 * 3600.0
# What is this young is in use.
_YOUNG_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """Something that can go: a whole content (group None) or one group of a large one."""

    key: str
    kind: str
    group: int | None
    used_at: float
    stored_bytes: int
    is_reused: bool = False


def choose(
    candidates: list[Victim], wanted: int, *, now: float, chance: random.Random
) -> list[Victim]:
    """Enough of the candidates to free so many bytes, or all of them."""
    groups = [victim.used_at for victim in candidates if victim.group is not None]
    middle = median(groups) if groups else 0.0
    oldest = min(groups, default=0.0)

    def worth(victim: Victim) -> tuple[bool, float]:
        used_at = victim.used_at
        if victim.group is not None and used_at < middle:
            used_at = chance.uniform(oldest, middle)
        if victim.is_reused:
            used_at += _BONUS_SECONDS
        return now - victim.used_at < _YOUNG_SECONDS, used_at

    chosen: list[Victim] = []
    expected = 0
    for victim in sorted(candidates, key=worth):
        if expected >= wanted:
            break
        chosen.append(victim)
        expected += victim.stored_bytes
    return chosen
