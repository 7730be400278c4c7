"""The listener's door: feed, track and media requests."""
