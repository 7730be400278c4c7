"""Shows: what a feed describes."""
