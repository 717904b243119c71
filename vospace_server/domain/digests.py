"""Digests of content: what a client announces, what we computed, and whether they agree."""

from dataclasses import dataclass

from vospace_model.faults import PreconditionFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Lower-case hexadecimal digests; None for one that is not known."""

    md5: str | None = None
    sha256: str | None = None

    def check(self, computed: "Digests") -> None:
        """Raises PreconditionFailed, naming both digests, when two that are known differ."""
        pairs = (("md5", self.md5, computed.md5), ("sha-256", self.sha256, computed.sha256))
        for name, announced, found in pairs:
            if announced is not None and found is not None and announced != found:
                raise PreconditionFailed(
                    f"{name} mismatch: {announced} was announced, {found} was received"
                )
