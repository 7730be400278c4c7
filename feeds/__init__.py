"""The feed document: rendering, caching, private addresses."""
