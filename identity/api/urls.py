"""The addresses of people and organizations under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from identity.api import (
    duties,
    openapi,  # noqa: F401 - registers the API key with the OpenAPI document
    views,
)

router = SimpleRouter(trailing_slash=False)
router.register("organizations", views.OrganizationViewSet)
router.register("memberships", views.MembershipViewSet)
router.register("api-keys", views.ApiKeyViewSet)
router.register("delegations", duties.DelegationViewSet)
router.register("emergency-roles", duties.EmergencyViewSet)
router.register("conflict-screens", duties.ConflictScreenViewSet)
router.register("affiliations", duties.AffiliationViewSet)
router.register("successions", duties.SuccessionViewSet)

urlpatterns = [
    path("me", views.MeView.as_view(), name="me"),
    path("me/interests", duties.InterestsView.as_view(), name="my-interests"),
    path("separations", duties.SeparationView.as_view(), name="separations"),
    *router.urls,
]
