"""The VOSpace server."""
