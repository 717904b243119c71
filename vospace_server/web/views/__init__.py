"""Families of pages; each makes its routes from the services that it shows."""
