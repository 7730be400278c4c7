"""The listener's door beside a raw granian application, nginx and a naive Django view, in one run.

`python bench/door.py [--quick]`: one core for the server with all its processes, another for wrk.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import urllib.request
from pathlib import Path

from _ours import DEFAULT_THREADS, seeded, started
from _serving import AGENTS, Load, free_port, granian, has, header, medians, row, running, server

RANGE = "Range: bytes=1000000-1065535"
#: A few, and as many as an operator gets who sets nothing: what do the many cost?
THREADS = tuple(dict.fromkeys((16, DEFAULT_THREADS)))
#: With more its writers only wait for each other.
NAIVE_THREADS = "4"


def fetched(port: int, path: str, **headers: str) -> tuple[str, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request) as answer:
        return answer.headers["ETag"], answer.read()


def beside_raw(tmp: Path, threads: int, facts: dict[str, str], media: Path):
    """The figures of our door and of the raw application, each with so many threads."""
    feed, track = f"/api/shows/{facts['show']}/feed", "/api/track/1.mp3"
    zipped = "Accept-Encoding: gzip"
    own = medians(
        lambda: started(tmp, {"WEB_THREADS": str(threads)}),
        {
            "304": Load(feed, (zipped, f"If-None-Match: {facts['tag']}"), status=304),
            "gzip": Load(feed, (zipped,), status=200),
            "plain": Load(feed, status=200),
            "track": Load(track, script=AGENTS, status=302),
            "media": Load(f"/media/{facts['media']}", (RANGE,), status=206),
        },
        tmp,
    )
    raw_environment = {
        "RAW_FEED": str(tmp / "feed.xml"),
        "RAW_MEDIA": str(media),
        "WEB_THREADS": str(threads),
    }
    raw = medians(
        lambda: running(granian("_raw_app:app", environment=raw_environment)),
        {
            "304": Load("/feed", (zipped, 'If-None-Match: "raw"'), status=304),
            "gzip": Load("/feed", (zipped,), status=200),
            "plain": Load("/feed", status=200),
            "track": Load(track, script=AGENTS, status=302),
            "media": Load("/media", (RANGE,), status=206),
        },
        tmp,
    )
    return own, raw


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        facts = seeded(tmp, free_port(), shows=2, episodes=130, media_bytes=60_000_000)
        with started(tmp) as (port, _pid):
            feed = f"/api/shows/{facts['show']}/feed"
            facts["tag"], _packed = fetched(port, feed, **{"Accept-Encoding": "gzip"})
            _tag, plain = fetched(port, feed)
        (tmp / "feed.xml").write_bytes(plain)
        media = tmp / "data" / "media" / str(facts["media"])
        found = {threads: beside_raw(tmp, threads, facts, media) for threads in THREADS}
        naive = medians(
            lambda: running(
                granian("_naive:app", environment={"NAIVE_DATABASE": str(tmp / "naive.sqlite3"),
                                                   "WEB_THREADS": NAIVE_THREADS})
            ),
            {"track": Load("/api/track/1.mp3", script=AGENTS, status=302)},
            tmp,
        )  # fmt: skip
        nginx, accel = beside_nginx(tmp, plain, media, facts) if has("nginx") else ({}, {})
        header()
        for threads, (own, raw) in found.items():
            for name, case, target in (
                ("304", "feed 304", 0.9),
                ("gzip", "feed 200 gzip", 0.9),
                ("plain", "feed 200 identity", 0.9),
                ("track", "track 302, counted", 0.8),
                ("media", "media 64 KB", 0.8),
            ):
                row(f"{case}, {threads} threads", own[name], "raw granian", raw[name], target)
        own, _raw = found[DEFAULT_THREADS]
        row("feed 304", own["304"], "nginx", nginx.get("304"), 0.45)
        row("feed 200 gzip", own["gzip"], "nginx gzip_static", nginx.get("gzip"), 0.6)
        row("track 302, counted", own["track"], "naive Django and ORM", naive["track"], 30.0)
        row("media 64 KB by X-Accel", accel.get("media"), "nginx direct", nginx.get("media"), 0.4)


def beside_nginx(tmp: Path, plain: bytes, media: Path, facts: dict[str, str]):
    """nginx with the same files, and nginx sending what our door names."""
    site = tmp / "site"
    site.mkdir()
    (site / "feed.xml").write_bytes(plain)
    (site / "feed.xml.gz").write_bytes(gzip.compress(plain, 6))
    (site / "media").symlink_to(media)
    site.chmod(0o755)

    def start(upstream: int | None = None):
        one = free_port()
        accel = (
            "location /media/ { proxy_pass http://door; proxy_http_version 1.1;"
            ' proxy_set_header Connection ""; }'
            f"location /protected/ {{ internal; alias {tmp}/data/media/; }}"
            if upstream
            else ""
        )
        door = f"upstream door {{ server 127.0.0.1:{upstream}; keepalive 64; }}" if upstream else ""
        temporary = "".join(
            f"{name}_temp_path {tmp}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {tmp}/nginx.pid; error_log {tmp}/nginx.log;"
            f"{'user root;' if os.getuid() == 0 else ''} events {{ worker_connections 1024; }}"
            f"http {{ {door} {temporary} access_log off; sendfile on; keepalive_requests 1000000;"
            f" server {{ listen 127.0.0.1:{one}; root {site}; gzip_static on; {accel} }} }}"
        )
        return one, server(["nginx", "-c", f"{tmp}/nginx.conf"], port=one)

    port, process = start()
    with process:
        tag, _body = fetched(port, "/feed.xml", **{"Accept-Encoding": "gzip"})
    direct = medians(
        lambda: running(start()),
        {
            "304": Load(
                "/feed.xml", ("Accept-Encoding: gzip", f"If-None-Match: {tag}"), status=304
            ),
            "gzip": Load("/feed.xml", ("Accept-Encoding: gzip",), status=200),
            "media": Load("/media", (RANGE,), status=206),
        },
        tmp,
    )
    with started(tmp, {"MEDIA_ACCEL": "/protected"}) as (behind, behind_pid):
        import _serving  # noqa: PLC0415 - for the processor time of both

        front, process = start(behind)
        with process as pid:
            load = Load(f"/media/{facts['media']}", (RANGE,), status=206)
            before = _serving.cpu_seconds(behind_pid)
            figure = _serving.measure(front, pid, load, tmp)
            extra = _serving.cpu_seconds(behind_pid) - before
            requests = figure.rate * _serving.SECONDS
            both = _serving.Figure(figure.rate, figure.cpu + extra / max(requests, 1) * 1e6)
    return direct, {"media": both}


if __name__ == "__main__":
    main()
