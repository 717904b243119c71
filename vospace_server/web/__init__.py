"""The pages: Jinja2 templates and first-party modules, over the same services as every door."""
