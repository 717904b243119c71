"""What a space is, decided without any input or output."""
