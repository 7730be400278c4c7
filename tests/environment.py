"""Sets the environment before Django's settings are read: own DATA_DIR, fake voice, no outside."""

import os
import sys
import tempfile
from pathlib import Path

_data_dir = tempfile.TemporaryDirectory(prefix="podwright-tests-")

os.environ["DATA_DIR"] = _data_dir.name
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
os.environ["SECRET_KEY"] = "only-for-tests-" + "x" * 50
os.environ["PUBLIC_URL"] = "https://podcasts.example"
os.environ["ALLOWED_HOSTS"] = "testserver,podcasts.example,localhost,127.0.0.1"
os.environ["TTS_ENGINE"] = "fake"
os.environ["DEFAULT_PLAN"] = "sandbox"
for _name in ("OUTBOUND_ALLOW", "TRUSTED_PROXIES", "OP3_PREFIX", "MEDIA_URL", "SECRET_KEY_FILE"):
    os.environ.pop(_name, None)

# pytest-django looks for manage.py before `pythonpath` is applied.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
