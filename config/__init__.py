"""The composition root: environment, settings, URLs, WSGI and Celery."""
