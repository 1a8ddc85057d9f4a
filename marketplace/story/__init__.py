"""The main job played from end to end through the public API and the real worker.

`manage.py play_story` makes the cast (people and organizations of a demo; refused unless DEMO=1),
plays each step over HTTP, checks every figure, and writes a report. It may be interrupted anywhere
and played again: every request carries an Idempotency-Key that names its step.
"""
