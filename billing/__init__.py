"""Plans, the usage ledger and quotas."""
