"""An article or a text becomes an episode; the PodRead contract."""
