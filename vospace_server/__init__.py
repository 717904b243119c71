"""A VOSpace 2.1 server: nodes, bytes, groups and quotas on SQLite or PostgreSQL."""
