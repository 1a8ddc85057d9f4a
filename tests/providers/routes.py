"""The suppliers' addresses alone."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("providers.api.urls"))]
