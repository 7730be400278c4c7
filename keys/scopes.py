"""The scopes a key may be limited to (contracts/podclaw.md section 1.2)."""

SHOWS_READ = "shows:read"
SHOWS_WRITE = "shows:write"
EPISODES_READ = "episodes:read"
EPISODES_WRITE = "episodes:write"
WEBHOOKS_READ = "webhooks:read"
WEBHOOKS_WRITE = "webhooks:write"

SCOPES = (SHOWS_READ, SHOWS_WRITE, EPISODES_READ, EPISODES_WRITE, WEBHOOKS_READ, WEBHOOKS_WRITE)
