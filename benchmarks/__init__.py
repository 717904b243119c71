"""Measures the mount and the server against their peers and the machine's limits.

`python -m benchmarks` (or `make bench`) starts every server and mount itself, on loopback, and
puts a new section into benchmarks/RESULTS.md. Figures of one run compare; figures of two runs
do not, because they depend on the machine and on what else it does.
"""
