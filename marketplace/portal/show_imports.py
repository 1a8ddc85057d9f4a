"""The provider's files of pools: upload, see every row's fate, then write or not."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language

from audit.decisions import Refusal
from identity.models import Organization
from marketplace.portal.access import for_page, visitor_of
from providers.actions.apply_import import apply_import
from providers.actions.check_import import check_import
from providers.actions.queue_import import queue_import
from providers.actions.upload_import import upload_import
from providers.bulk import COLUMNS
from providers.export import ERROR_COLUMNS, file_response, problem_lines
from providers.models import ImportFile, ImportRow
from providers.queries import visible_imports

ROWS, AT_ONCE_BYTES, AT_ONCE_ROWS = 200, 1_000_000, 10_000


@for_page("provider")
def show_imports(request: HttpRequest) -> HttpResponse:
    """GET: the files. POST: take one in and check it; a large one is left to a worker."""
    actor, now = visitor_of(request).actor, timezone.now()
    if request.method == "POST" and "file" in request.FILES:
        sent: Any = request.FILES["file"]
        assert actor.organization_id is not None  # a visitor let in acts for somebody
        try:
            file = upload_import(
                provider=Organization.objects.get(pk=actor.organization_id),
                filename=sent.name or "pools",
                content=sent.read(),
                actor=actor,
                at=now,
            )
            if len(bytes(file.content)) <= AT_ONCE_BYTES:
                check_import(file=file, actor=actor, at=now)
            return redirect("import", file.pk)
        except Refusal as refusal:
            messages.error(request, refusal.sentence(get_language() or "en"))
    files = visible_imports(actor).select_related("provider").order_by("-pk")[:ROWS]
    return render(request, "portal/imports.html", {"files": files, "columns": COLUMNS.items()})


@for_page("provider")
def show_import(request: HttpRequest, file_id: int) -> HttpResponse:
    """GET: what would become of every row, wrong ones first. POST: write all of them, or none."""
    actor, now = visitor_of(request).actor, timezone.now()
    file = get_object_or_404(visible_imports(actor), pk=file_id)
    if request.method == "POST":
        try:
            large = (file.rows_total or 0) > AT_ONCE_ROWS
            (queue_import if large else apply_import)(file=file, actor=actor, at=now)
        except Refusal as refusal:
            messages.error(request, refusal.sentence(get_language() or "en"))
        return redirect("import", file.pk)
    if request.GET.get("as") in ("csv", "xlsx", "json"):
        answer = file_response(
            request.GET["as"], f"errors-{file.pk}", ERROR_COLUMNS, problem_lines(file)
        )
        assert isinstance(answer, HttpResponse) or answer.streaming
        return answer  # type: ignore[return-value]
    rows = ImportRow.objects.filter(file=file)
    wrong = list(rows.filter(fate="refuse").order_by("number")[:ROWS])
    fit = list(rows.exclude(fate="refuse").order_by("number")[: ROWS - len(wrong)])
    return render(
        request,
        "portal/import.html",
        {
            "file": file,
            "rows": [*wrong, *fit],
            "shown": len(wrong) + len(fit),
            "may_write": file.state == ImportFile.State.CHECKED,
        },
    )
