"""Account, the tenant."""
