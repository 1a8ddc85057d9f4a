"""Zero-install local mode: embedded PostgreSQL and a supervisor for the demo and the tests."""
