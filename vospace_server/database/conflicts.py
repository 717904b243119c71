"""What a transaction raises when it should be done again from the start."""


class ConflictError(Exception):
    """Another transaction was faster; nothing was changed, and trying again may succeed."""
