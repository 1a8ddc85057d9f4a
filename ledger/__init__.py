"""How much: accounts, transfers, postings and two-phase holds. Nothing here is ever edited."""
