"""What writes: a Protocol, an embedded writer without a model, writers with one, and a fake."""
