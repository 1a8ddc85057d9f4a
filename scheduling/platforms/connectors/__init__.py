"""Adapters to scheduling platforms: pure, few verbs, no Django and no database."""
