"""A simulated regional scheduling platform: a separate process that runs jobs asynchronously.

It computes nothing. Its clock is compressed, its meter readings are what a job would draw, and
every event says `simulated: true`. See docs/guides/sandbox.md.
"""
