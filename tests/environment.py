"""Sets the environment before Django's settings are read: own DATA_DIR, fake voice, no outside."""

import os
import signal
import sys
import tempfile
from pathlib import Path

# A thread that ends with the process may write to its last moment.
_data_dir = tempfile.TemporaryDirectory(prefix="podwright-tests-", ignore_cleanup_errors=True)

os.environ["DATA_DIR"] = _data_dir.name
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ["SECRET_KEY"] = "only-for-tests-" + "x" * 50
os.environ["PUBLIC_URL"] = "https://podcasts.example"
os.environ["ALLOWED_HOSTS"] = "testserver,podcasts.example,localhost,127.0.0.1"
os.environ["TTS_ENGINE"] = "fake"
os.environ["WRITER"] = "fake"
os.environ["DEFAULT_PLAN"] = "sandbox"
# All tests sign up from one address; those of the limit set their own.
os.environ["SIGNUPS_PER_HOUR"] = "100000"
# Tests that stop the clock share its minute.
os.environ["REQUESTS_PER_MINUTE"] = "1000000"
for _name in (
    "OUTBOUND_ALLOW",
    "TRUSTED_PROXIES",
    "OP3_PREFIX",
    "MEDIA_URL",
    "MEDIA_ACCEL",
    "SECRET_KEY_FILE",
    "STRIPE_SECRET_KEY",
):
    os.environ.pop(_name, None)

# Parallel test processes share one Redis server, not one Redis database.
if os.environ.get("REDIS_URL"):
    _number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{_number}"

# Who runs this in the background may have it ignore Ctrl-C; what tests start and interrupt must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# pytest-django looks for manage.py before `pythonpath` is applied.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
