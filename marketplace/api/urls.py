"""The storefront's addresses under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from marketplace.api import callbacks, views

router = SimpleRouter(trailing_slash=False)
router.register("workloads", views.WorkloadViewSet)
router.register("orders", views.OrderViewSet)
router.register("charges", views.ChargeViewSet)
router.register("payments", views.PaymentViewSet)
router.register("refunds", views.RefundViewSet)
router.register("clearing-runs", views.ClearingRunViewSet)

urlpatterns = [
    *router.urls,
    path("platforms/<int:pk>/callbacks", callbacks.PlatformCallbackView.as_view()),
    path("webhooks/stripe", callbacks.GatewayWebhookView.as_view()),
]
