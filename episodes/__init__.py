"""Episodes, their audio and documents, states and schedule."""
