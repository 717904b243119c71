"""The pages: views, templates and first-party scripts over the services."""
