"""Template filters of the episodes app."""
