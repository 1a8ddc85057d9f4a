"""How fast public money moves, against pgbench on the same server.

Every module here but `reference` has `figures(reference)`, which prints its figures; `python -m
tests.benchmarks.money NAME …` runs those named, else all.
"""
