"""Voice engines: one Protocol, several real implementations, one for tests."""
