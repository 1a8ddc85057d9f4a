"""Every address of the product. Rooms bring their own API; the storefront brings the pages."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from marketplace.http import health

API = [
    path("", include("audit.api.urls")),
    path("", include("identity.api.urls")),
    path("", include("treasury.api.urls")),
    path("", include("providers.api.urls")),
    path("", include("vouchers.api.urls")),
    path("", include("scheduling.api.urls")),
    path("", include("marketplace.api.urls")),
]

urlpatterns = [
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("admin/", admin.site.urls),
    path("api/v1/", include(API)),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("marketplace.portal.urls")),
]
