"""The composition root: which objects there are, and who gets which (architecture rule 12)."""
