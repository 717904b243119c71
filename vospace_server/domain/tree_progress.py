"""How far a job on a whole tree has come: a place that it can be gone on from."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

MAX_FAILURES: Final = 100
"""A job on a tree that has failed more often than this stops (contract 1.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A container that the job is in: its children up to `after` have been dealt with.

    `kept`: something in it could not be removed, so it has to stay.
    """

    container_id: int
    after: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeProgress:
    """Nodes that were dealt with, and the containers that are still to be gone through.

    `total` is how many nodes there were at the start; `reason` says why the first one failed.
    The last of `branches` is the one at hand.
    """

    root_id: int
    total: int
    done: int = 0
    failed: int = 0
    reason: str = ""
    branches: tuple[Branch, ...] = field(default=())

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do, or too much went wrong to go on."""
        return not self.branches or self.failed > MAX_FAILURES

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        return min(1.0, (self.done + self.failed) / max(1, self.total))

    def succeed(self, count: int = 1) -> "TreeProgress":
        """So many more nodes were dealt with."""
        return replace(self, done=self.done + count)

    def fail(self, reason: str, *, keeps: bool = False) -> "TreeProgress":
        """One more node could not be; it keeps the containers that it is in, or does not."""
        failed = replace(self, failed=self.failed + 1, reason=self.reason or reason)
        return failed.keep() if keeps else failed

    def keep(self) -> "TreeProgress":
        """The container at hand has to stay."""
        if not self.branches:
            return self
        kept = replace(self.branches[-1], kept=True)
        return replace(self, branches=(*self.branches[:-1], kept))

    def enter(self, *container_ids: int) -> "TreeProgress":
        """Go on in these containers, the last one first."""
        entered = tuple(Branch(container_id=each) for each in container_ids)
        return replace(self, branches=(*self.branches, *entered))

    def pass_by(self, name: str) -> "TreeProgress":
        """The children of the container at hand have been dealt with up to this name."""
        passed = replace(self.branches[-1], after=name)
        return replace(self, branches=(*self.branches[:-1], passed))

    def leave(self) -> "TreeProgress":
        """The container at hand is done with."""
        return replace(self, branches=self.branches[:-1])

    def encode(self) -> list[Any]:
        """JSON that `decode` reads back."""
        branches = [[each.container_id, each.after, each.kept] for each in self.branches]
        return [self.root_id, self.total, self.done, self.failed, self.reason, branches]

    @classmethod
    def decode(cls, place: list[Any]) -> "TreeProgress":
        """The progress that `encode` wrote."""
        root_id, total, done, failed, reason, branches = place
        return cls(
            root_id=root_id,
            total=total,
            done=done,
            failed=failed,
            reason=reason,
            branches=tuple(
                Branch(container_id=container_id, after=after, kept=kept)
                for container_id, after, kept in branches
            ),
        )
