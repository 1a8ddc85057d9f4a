"""Who: people, organizations, memberships, roles and keys."""
