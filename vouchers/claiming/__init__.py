"""What the two doors of a claim window (DRF and the lane) share: the token, the call, the draw."""
