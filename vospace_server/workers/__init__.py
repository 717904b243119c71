"""Threads that work without being asked: folding sizes, running jobs, collecting garbage."""
