"""Counting in a running instance: requests come to numbers, and no address stays on a disk."""

from __future__ import annotations

import ipaddress
import re

import httpx
import pytest

from tests.flows.running import started_up, wait_until

#: Of networks that nobody else here uses; one of each kind, so that chance bytes are no finding.
ADDRESSES = ("203.0.113.241", "198.51.100.179", "2001:db8:4f1c:99aa:1234:5678:9abc:def1")
AGENT = "AntennaPod/3.4.0"


def forms_of(text):
    """An address as text and packed, whole and as its network."""
    address = ipaddress.ip_address(text)
    packed = address.packed
    forms = {text.encode(), address.exploded.encode(), packed.hex().encode()}
    if address.version == 6:
        forms |= {packed, packed[:8], packed[:8].hex().encode(), b"2001:db8:4f1c"}
    return forms


@pytest.mark.slow
def test_numbers_arrive_and_no_file_holds_an_address(tmp_path, services):
    settings = {**services, "TRUSTED_PROXIES": "127.0.0.0/8", "WORKERS": "1"}
    with started_up(tmp_path, settings) as running:
        key = re.search(r"pc_live_\w+", running.printed())[0]
        with httpx.Client(
            base_url=running.url, headers={"Authorization": f"Bearer {key}"}, timeout=60
        ) as client:
            show = client.post("/api/shows", json={"title": "Show"}).json()["show"]["id"]
            body = {
                "show_id": show,
                "title": "One",
                "audio_url": "https://cdn.example.com/one.mp3",
            }
            episode = client.post("/api/episodes/publish", json=body).json()["episode"]["id"]
            for address in ADDRESSES:
                headers = {
                    "X-Forwarded-For": address,
                    "User-Agent": AGENT,
                    "Referer": f"https://[{address}]/" if ":" in address else f"http://{address}/",
                    "Authorization": "",
                }
                for path in (
                    f"/api/track/{episode}.mp3",
                    f"/api/shows/{show}/feed",
                    "/api/track/999",
                    "/media/none.mp3",
                    f"/api/shows/{show}",
                    "/nowhere",
                ):
                    client.get(path, headers=headers)
                client.post("/api/keys", json={"name": "x"}, headers=headers)

            def total():
                answer = client.get(f"/api/shows/{show}/analytics").json()
                return answer["analytics"]["summary"]["downloads_all_time"]

            wait_until(lambda: total() == len(ADDRESSES))
            listeners = client.get("/api/analytics/listeners").json()["analytics"]["summary"]
            assert listeners["unique_listeners_estimate"] == len(ADDRESSES)
        logs = running.printed() + running.errors.read_text()

    files = [path for path in (tmp_path / "var").rglob("*") if path.is_file()]
    contents = b"\n".join(path.read_bytes() for path in files) + logs.encode()
    assert len(files) > 5
    assert b"AntennaPod" in contents or services.get("DATABASE_URL")
    for address in ADDRESSES:
        assert not [form for form in forms_of(address) if form in contents], address
    # Four bytes may meet by chance in so many; both addresses of IPv4 do not.
    packed = [ipaddress.ip_address(text).packed for text in ADDRESSES[:2]]
    assert not all(form in contents for form in packed)
