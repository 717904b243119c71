"""Mounts a VOSpace as a disk."""
