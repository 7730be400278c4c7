"""A prompt, sources and hosts become a show with several voices; the Jellypod contract."""
