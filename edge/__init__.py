"""The listener's door: feeds, redirects and media, answered without the rest of the house."""
