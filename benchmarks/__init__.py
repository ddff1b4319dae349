"""Measured against others, and against what the machine can do. `python -m benchmarks` runs everything."""
