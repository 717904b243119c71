"""Speaks to a VOSpace service; the only home of httpx in the file system."""
