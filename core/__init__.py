"""What every app stands on and that knows no app: errors, ids, HTTP, queueing, probes."""
