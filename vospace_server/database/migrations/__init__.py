"""Revisions of the schema, each leading to the next; run by database/upgrading.py."""
