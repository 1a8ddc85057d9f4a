"""The suppliers' addresses under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from providers.api import case_views, closure_views, evidence_views, import_views, views
from providers.api.meter_events import MeterEventsView

router = SimpleRouter(trailing_slash=False)
router.register("hub-areas", views.HubAreaViewSet)
router.register("grid-factors", views.GridFactorViewSet)
router.register("accelerators", views.AcceleratorViewSet)
router.register("facilities", views.FacilityViewSet)
router.register("pools", views.PoolViewSet)
router.register("imports", import_views.ImportViewSet)
router.register("import-rows", import_views.ImportRowViewSet)
router.register("closures", closure_views.ClosureViewSet)
router.register("offers", views.OfferViewSet)
router.register("prices", views.PriceViewSet)
router.register("meters", evidence_views.MeterViewSet)
router.register("meter-readings", evidence_views.MeterReadingViewSet)
router.register("meter-keys", evidence_views.MeterKeyViewSet)
router.register("meter-gaps", evidence_views.MeterGapViewSet)
router.register("plausibility-cases", case_views.CaseViewSet)
router.register("certificates", evidence_views.CertificateViewSet)
router.register("ratings", evidence_views.RatingViewSet)

urlpatterns = [path("meter-events", MeterEventsView.as_view()), *router.urls]
