"""The storefront: quote, order, charge, pay, settle; and the project's wiring."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
