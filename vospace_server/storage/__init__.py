"""Where bytes are kept: immutable objects under random keys, behind one small protocol."""
