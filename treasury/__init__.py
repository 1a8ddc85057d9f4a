"""The treasury: appropriation, envelope, payout batch, bank."""
