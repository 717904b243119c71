"""What can be done with a space: each method is one operation with its own transactions."""
