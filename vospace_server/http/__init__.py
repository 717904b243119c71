"""The address space of the server: everything that knows HTTP, and nothing that decides."""
