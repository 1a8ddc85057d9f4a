"""The asynchronous entry point: Django, with the claim lane in front of its claims.

granian serves wsgi.py by default; a deployment that opens claim windows runs this one beside it
(deploy/runbook.md) and sends it `/api/v1/claim-windows/*/claims`.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django_application = get_asgi_application()

from marketplace.lane.app import ClaimLane  # noqa: E402 - Django must be set up first

application = ClaimLane(django_application)
