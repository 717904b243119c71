"""What a read can fail with beyond what its source raises."""


class CacheError(Exception):
    """Base of the failures below; the text is one sentence for a person."""


class CorruptContent(CacheError):  # noqa: N818 -- named like the faults that it stands beside
    """The service gave bytes, twice, that are not those its own digest describes."""


class IncompleteFetch(CacheError):  # noqa: N818 -- as above
    """The source ended before the last byte that was asked of it."""


class ReadStalled(TimeoutError):  # noqa: N818 -- as above
    """The bytes did not come within the time that one read may take."""
