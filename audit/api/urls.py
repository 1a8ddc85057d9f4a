"""The addresses of what happened under /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from audit.api import views

router = SimpleRouter(trailing_slash=False)
router.register("audit-events", views.AuditEventViewSet)
router.register("checkpoints", views.CheckpointViewSet)

urlpatterns = [
    path("audit-chain/head", views.ChainHeadView.as_view(), name="audit-chain-head"),
    path("checkpoints/keys", views.CheckpointKeysView.as_view(), name="checkpoint-keys"),
    *router.urls,
]
