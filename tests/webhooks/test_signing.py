from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.signing import new_secret, podclaw_signature, signed_headers, standard_signature

#: The sample of the PodClaw page, word for word.
SAMPLE = """
const crypto = require('crypto');

function verify(secret, rawBody, signatureHeader) {
  const expected = 'sha256=' + crypto
    .createHmac('sha256', secret)
    .update(rawBody)
    .digest('hex');
  return crypto.timingSafeEqual(
    Buffer.from(expected),
    Buffer.from(signatureHeader)
  );
}
"""
BODY = '{"event":"show.created","data":{"title":"Ünïcödé — 🎙"}}'.encode()


def verified_by_node(secret: str, body: bytes, header: str) -> bool:
    given = json.dumps([secret, base64.b64encode(body).decode(), header])
    script = f"""{SAMPLE}
const [secret, body, header] = {given};
console.log(verify(secret, Buffer.from(body, 'base64'), header));"""
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    return done.stdout.strip() == "true"


class TestSecret:
    def test_is_32_random_bytes_behind_the_prefix(self):
        first, second = new_secret(), new_secret()

        assert first != second
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", first)
        assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


class TestPodclawSignature:
    def test_is_the_hmac_of_the_published_test_case(self):
        # RFC 4231, test case 2.
        assert podclaw_signature("Jefe", b"what do ya want for nothing?") == (
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )

    @pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
    def test_is_verified_by_the_sample_of_the_page(self):
        secret = new_secret()
        header = podclaw_signature(secret, BODY)

        assert verified_by_node(secret, BODY, header)
        assert not verified_by_node(new_secret(), BODY, header)
        assert not verified_by_node(secret, BODY + b" ", header)


class TestStandardSignature:
    def test_is_the_one_of_the_published_example(self):
        # docs.svix.com/receiving/verifying-payloads/how-manual, the same scheme.
        made = standard_signature(
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            message_id="msg_loFOjxBNrRLzqYUf",
            timestamp=1731705121,
            body=b'{"event_type":"ping","data":{"success":true}}',
        )

        assert made == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="

    def test_is_the_one_that_openssl_computes(self):
        # printf '<id>.<timestamp>.<body>' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<key>
        made = standard_signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp=1614265330,
            body=b'{"test": 2432232314}',
        )

        assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


class TestSignedHeaders:
    def test_carry_both_signatures_of_one_secret(self):
        secret = new_secret()

        headers = signed_headers([secret], message_id="m1", timestamp=1_700_000_000, body=BODY)

        assert headers == {
            "X-PodClaw-Signature": podclaw_signature(secret, BODY),
            "webhook-id": "m1",
            "webhook-timestamp": "1700000000",
            "webhook-signature": standard_signature(
                secret, message_id="m1", timestamp=1_700_000_000, body=BODY
            ),
        }

    def test_are_verified_by_the_library_of_the_standard_with_either_secret(self):
        new, old = new_secret(), new_secret()
        headers = signed_headers([new, old], message_id="m1", timestamp=int(time.time()), body=BODY)

        assert Webhook(new).verify(BODY, headers) == json.loads(BODY)
        assert Webhook(old).verify(BODY, headers) == json.loads(BODY)
        with pytest.raises(WebhookVerificationError):
            Webhook(new_secret()).verify(BODY, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(new).verify(BODY + b" ", headers)

    def test_carry_the_previous_secret_too_while_it_overlaps(self):
        new, old = new_secret(), new_secret()

        headers = signed_headers([new, old], message_id="m1", timestamp=1, body=BODY)

        assert headers["X-PodClaw-Signature"] == podclaw_signature(new, BODY)
        assert headers["X-PodClaw-Signature-Previous"] == podclaw_signature(old, BODY)
        assert headers["webhook-signature"].split(" ") == [
            standard_signature(one, message_id="m1", timestamp=1, body=BODY) for one in (new, old)
        ]
