"""The suppliers: provider, facility, pool, offer, meter, green rating."""
