"""What the server asks of other hosts: the one way out, guarded (architecture 2.2)."""
