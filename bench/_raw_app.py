"""The floor: the same answers from a WSGI application that knows nothing else."""

import gzip
import os

FEED = open(os.environ["RAW_FEED"], "rb").read()  # noqa: SIM115, PTH123
GZIPPED = gzip.compress(FEED, 6)
MEDIA = os.environ["RAW_MEDIA"]
TAG = '"raw"'
LOCATIONS = {f"/api/track/{n}.mp3": f"https://cdn.example.com/{n}.mp3" for n in range(1, 2_000)}


def app(environ, start_response):
    path = environ["PATH_INFO"]
    location = LOCATIONS.get(path)
    if location is not None:
        start_response("302 Found", [("Location", location), ("Content-Length", "0")])
        return [b""]
    if path == "/media":
        first, last = environ["HTTP_RANGE"][6:].split("-")
        with open(MEDIA, "rb") as file:  # noqa: PTH123
            file.seek(int(first))
            part = file.read(int(last) - int(first) + 1)
        start_response(
            "206 Partial Content",
            [("Content-Type", "audio/mpeg"), ("Content-Length", str(len(part)))],
        )
        return [part]
    if environ.get("HTTP_IF_NONE_MATCH") == TAG:
        start_response("304 Not Modified", [("ETag", TAG)])
        return [b""]
    compressed = "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "")
    body = GZIPPED if compressed else FEED
    headers = [
        ("Content-Type", "application/rss+xml"),
        ("Content-Length", str(len(body))),
        ("ETag", TAG),
    ]
    start_response("200 OK", headers + [("Content-Encoding", "gzip")] * compressed)
    return [body]
