"""API keys: issuing, scopes, and authentication by bearer key."""
