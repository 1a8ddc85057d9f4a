"""The control room's addresses under /api/v1/."""

from rest_framework.routers import SimpleRouter

from scheduling.api import views

router = SimpleRouter(trailing_slash=False)
router.register("platforms", views.PlatformViewSet)
router.register("listings", views.ListingViewSet)
router.register("placements", views.PlacementViewSet)
router.register("match-runs", views.MatchRunViewSet)
router.register("relocations", views.RelocationViewSet)
router.register("near-misses", views.NearMissViewSet, basename="near-miss")
router.register("jobs", views.JobViewSet)

urlpatterns = router.urls
