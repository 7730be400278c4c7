"""Telling the account's own programs what happened: endpoints, events, deliveries."""
