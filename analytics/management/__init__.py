"""Commands of counting."""
