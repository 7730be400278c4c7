"""The listener's door beside a raw granian application, nginx and a naive Django view, in one run.

`python bench/door.py [--quick]`: one core for the server with all its processes, another for wrk.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from _serving import (
    AGENTS,
    ROOT,
    Load,
    free_port,
    granian,
    has,
    header,
    medians,
    row,
    running,
    server,
)

RANGE = "Range: bytes=1000000-1065535"
THREADS = os.environ.get("WEB_THREADS", "16")


def ours(tmp: Path, port: int, extra: dict[str, str] | None = None) -> dict[str, str]:
    return {
        "DATA_DIR": str(tmp / "data"),
        "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WORKERS": "1",
        "WEB_THREADS": THREADS,
        "DEFAULT_PLAN": "enterprise",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'bench'}",
        **(extra or {}),
    }


def seeded(tmp: Path, port: int) -> dict[str, str]:
    environment = os.environ | ours(tmp, port)
    manage = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(manage, cwd=ROOT, env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "bench/_seed.py", "2", "130", "60000000"],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def fetched(port: int, path: str, **headers: str) -> tuple[str, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request) as answer:
        return answer.headers["ETag"], answer.read()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        (tmp / "data").mkdir()
        tmp.chmod(0o755)
        port = free_port()
        facts = seeded(tmp, port)
        feed, track = f"/api/shows/{facts['show']}/feed", "/api/track/1.mp3"
        web = [sys.executable, "manage.py", "web"]
        with server(web, port=port, environment=ours(tmp, port)):
            _tag, plain = fetched(port, feed)
            gzip_tag, _packed = fetched(port, feed, **{"Accept-Encoding": "gzip"})
        (tmp / "feed.xml").write_bytes(plain)
        media = tmp / "data" / "media" / str(facts["media"])
        zipped = "Accept-Encoding: gzip"

        def start_ours(extra: dict[str, str] | None = None):
            one = free_port()
            return running((one, server(web, port=one, environment=ours(tmp, one, extra))))

        own = medians(
            start_ours,
            {
                "304": Load(feed, (zipped, f"If-None-Match: {gzip_tag}")),
                "gzip": Load(feed, (zipped,)),
                "plain": Load(feed),
                "track": Load(track, script=AGENTS),
                "media": Load(f"/media/{facts['media']}", (RANGE,)),
            },
            tmp,
        )
        raw_environment = {
            "RAW_FEED": str(tmp / "feed.xml"),
            "RAW_MEDIA": str(media),
            "WEB_THREADS": THREADS,
        }
        raw = medians(
            lambda: running(granian("_raw_app:app", environment=raw_environment)),
            {
                "304": Load("/feed", (zipped, 'If-None-Match: "raw"')),
                "gzip": Load("/feed", (zipped,)),
                "plain": Load("/feed"),
                "track": Load(track, script=AGENTS),
                "media": Load("/media", (RANGE,)),
            },
            tmp,
        )
        naive = medians(
            lambda: running(
                granian("_naive:app", environment={"NAIVE_DATABASE": str(tmp / "naive.sqlite3"),
                                                   "WEB_THREADS": "4"})
            ),
            {"track": Load(track, script=AGENTS)},
            tmp,
        )  # fmt: skip
        nginx, accel = (
            beside_nginx(tmp, plain, media, facts, start_ours) if has("nginx") else ({}, {})
        )
        header()
        row("feed 304", own["304"], "raw granian", raw["304"], 0.9)
        row("feed 200 gzip", own["gzip"], "raw granian", raw["gzip"], 0.9)
        row("feed 200 identity", own["plain"], "raw granian", raw["plain"], 0.9)
        row("feed 304", own["304"], "nginx", nginx.get("304"), 0.45)
        row("feed 200 gzip", own["gzip"], "nginx gzip_static", nginx.get("gzip"), 0.6)
        row("track 302, counted", own["track"], "raw granian", raw["track"], 0.8)
        row("track 302, counted", own["track"], "naive Django and ORM", naive["track"], 30.0)
        row("media 64 KB", own["media"], "raw granian", raw["media"], 0.8)
        row("media 64 KB by X-Accel", accel.get("media"), "nginx direct", nginx.get("media"), 0.4)


def beside_nginx(tmp: Path, plain: bytes, media: Path, facts: dict[str, str], start_ours):
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
            f"location /media/ {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;"
            f' proxy_set_header Connection ""; }}'
            f"location /protected/ {{ internal; alias {tmp}/data/media/; }}"
            if upstream
            else ""
        )
        temporary = "".join(
            f"{name}_temp_path {tmp}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {tmp}/nginx.pid; error_log {tmp}/nginx.log;"
            f"{'user root;' if os.getuid() == 0 else ''} events {{ worker_connections 1024; }}"
            f"http {{ {temporary} access_log off; sendfile on; keepalive_requests 1000000;"
            f" server {{ listen 127.0.0.1:{one}; root {site}; gzip_static on; {accel} }} }}"
        )
        return one, server(["nginx", "-c", f"{tmp}/nginx.conf"], port=one)

    port, process = start()
    with process:
        tag, _body = fetched(port, "/feed.xml", **{"Accept-Encoding": "gzip"})
    direct = medians(
        lambda: running(start()),
        {
            "304": Load("/feed.xml", ("Accept-Encoding: gzip", f"If-None-Match: {tag}")),
            "gzip": Load("/feed.xml", ("Accept-Encoding: gzip",)),
            "media": Load("/media", (RANGE,)),
        },
        tmp,
    )
    with start_ours({"MEDIA_ACCEL": "/protected"}) as (behind, behind_pid):
        import _serving  # noqa: PLC0415 - for the processor time of both

        front, process = start(behind)
        with process as pid:
            load = Load(f"/media/{facts['media']}", (RANGE,))
            before = _serving.cpu_seconds(behind_pid)
            figure = _serving.measure(front, pid, load, tmp)
            extra = _serving.cpu_seconds(behind_pid) - before
            requests = figure.rate * _serving.SECONDS
            both = _serving.Figure(figure.rate, figure.cpu + extra / max(requests, 1) * 1e6)
    return direct, {"media": both}


if __name__ == "__main__":
    main()
