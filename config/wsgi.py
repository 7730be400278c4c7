"""The WSGI application that granian or gunicorn serves."""

import multiprocessing
import os

from config.env import BadSetting
from config.serving import make_application
from core.heap import share_heaps
from core.parent import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
share_heaps()
# Under granian this is a child process, which must not outlive the server that started it.
end_with_parent(always=multiprocessing.parent_process() is not None)
try:
    application = make_application()
except BadSetting as error:
    # One line for the operator instead of a server's traceback.
    raise SystemExit(str(error)) from None

from feeds.watching import watch_in_background  # noqa: E402 - needs Django to be set up

watch_in_background()
