"""The storefront's addresses under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from marketplace.api import award_views, bundle_views, callbacks, carbon_views, views

router = SimpleRouter(trailing_slash=False)
router.register("workloads", views.WorkloadViewSet)
router.register("orders", views.OrderViewSet)
router.register("charges", views.ChargeViewSet)
router.register("payments", views.PaymentViewSet)
router.register("refunds", views.RefundViewSet)
router.register("clearing-runs", views.ClearingRunViewSet)

urlpatterns = [
    *router.urls,
    path("award-bases", award_views.AwardBasisView.as_view()),
    path("award-bases/propose", award_views.AwardFromBooksView.as_view()),
    path("award-bases/recheck", award_views.AwardRecheckView.as_view()),
    path("carbon-statements", carbon_views.CarbonStatementView.as_view()),
    path("export-bundle", bundle_views.ExportBundleView.as_view(), name="export-bundle"),
    path("platforms/<int:pk>/callbacks", callbacks.PlatformCallbackView.as_view()),
    path("webhooks/stripe", callbacks.GatewayWebhookView.as_view()),
]
