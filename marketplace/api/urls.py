"""The storefront's addresses under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from marketplace.api import callbacks, carbon_views, views

router = SimpleRouter(trailing_slash=False)
router.register("workloads", views.WorkloadViewSet)
router.register("orders", views.OrderViewSet)
router.register("charges", views.ChargeViewSet)
router.register("payments", views.PaymentViewSet)
router.register("refunds", views.RefundViewSet)
router.register("clearing-runs", views.ClearingRunViewSet)

urlpatterns = [
    *router.urls,
    path("carbon-statements", carbon_views.CarbonStatementView.as_view()),
    path("platforms/<int:pk>/callbacks", callbacks.PlatformCallbackView.as_view()),
    path("webhooks/stripe", callbacks.GatewayWebhookView.as_view()),
]
