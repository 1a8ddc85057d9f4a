"""The pages' addresses. They only read, but for forms with one action behind each button."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.decorators.http import require_safe

from marketplace.portal.answer_relocation import answer_relocation
from marketplace.portal.log_in import LogIn
from marketplace.portal.rate_facility import draft, submit
from marketplace.portal.show_auditor import show_auditor, trace_award, trace_redemption
from marketplace.portal.show_award import show_award
from marketplace.portal.show_carbon import show_carbon
from marketplace.portal.show_coverage import show_coverage
from marketplace.portal.show_enterprise import show_enterprise
from marketplace.portal.show_imports import show_import, show_imports
from marketplace.portal.show_meters import (
    show_cases_to_auditors,
    show_cases_to_officers,
    show_meters,
)
from marketplace.portal.show_officer import show_officer
from marketplace.portal.show_provider import show_provider
from marketplace.portal.show_public import show_public
from marketplace.portal.show_regions import show_regions
from marketplace.portal.show_treasury import show_treasury
from marketplace.portal.show_trial import show_trial
from marketplace.portal.show_week import show_week
from marketplace.portal.show_window import show_window
from marketplace.portal.write_terms import write_terms

urlpatterns = [
    path("", require_safe(show_public), name="public"),
    path("coverage", require_safe(show_coverage), name="coverage"),
    path("enterprise", require_safe(show_enterprise), name="enterprise"),
    path("enterprise/carbon", require_safe(show_carbon), name="carbon"),
    path("provider", require_safe(show_provider), name="provider"),
    path("provider/imports", show_imports, name="imports"),
    path("provider/imports/<int:file_id>", show_import, name="import"),
    path("provider/facilities/<int:facility_id>/draft-rating", draft, name="draft-rating"),
    path("provider/ratings/<int:rating_id>/submit", submit, name="submit-rating"),
    path("provider/meters", require_safe(show_meters), name="meters"),
    path("officer/cases", require_safe(show_cases_to_officers), name="officer-cases"),
    path("auditor/cases", require_safe(show_cases_to_auditors), name="auditor-cases"),
    path("officer", require_safe(show_officer), name="officer"),
    path("officer/terms", require_safe(write_terms), name="write-terms"),
    path("officer/terms/<int:version_id>", require_safe(show_trial), name="trial"),
    path("officer/awards/<int:award_id>", require_safe(show_award), name="award"),
    path("officer/regions", require_safe(show_regions), name="regions"),
    path("officer/treasury", require_safe(show_treasury), name="treasury"),
    path("auditor", require_safe(show_auditor), name="auditor"),
    path("auditor/trace/<int:redemption_id>", require_safe(trace_redemption), name="trace"),
    path("auditor/trace/award/<int:award_id>", require_safe(trace_award), name="trace-award"),
    path(
        "enterprise/relocations/<int:relocation_id>/<slug:answer>",
        answer_relocation,
        name="relocation",
    ),
    path("week", require_safe(show_week), name="week"),
    path("week/<int:run_id>", require_safe(show_week), name="week-of"),
    path("windows/<int:window_id>", require_safe(show_window), name="window"),
    path("login", LogIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
]
