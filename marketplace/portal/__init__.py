"""Server-rendered pages, read-only, on queries."""
