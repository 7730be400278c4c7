"""From hits to numbers."""
