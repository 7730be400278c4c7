"""Script to audio: voices, rendering, mastering, timeline, transcripts, chapters."""
