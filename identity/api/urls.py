"""The addresses of people and organizations under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from identity.api import (
    openapi,  # noqa: F401 - registers the API key with the OpenAPI document
    views,
)

router = SimpleRouter(trailing_slash=False)
router.register("organizations", views.OrganizationViewSet)
router.register("memberships", views.MembershipViewSet)
router.register("api-keys", views.ApiKeyViewSet)

urlpatterns = [path("me", views.MeView.as_view(), name="me"), *router.urls]
