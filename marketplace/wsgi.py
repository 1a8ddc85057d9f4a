"""The web server's entry point."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
application = get_wsgi_application()

# All code is loaded before the first request, and the collector never walks through it again.
import_module("marketplace.urls")
gc.freeze()
