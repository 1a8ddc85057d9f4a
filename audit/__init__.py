"""What happened and why: decisions, refusals, and the append-only chain of events."""
