"""What is remembered of a space: blocks of content, and nodes."""
