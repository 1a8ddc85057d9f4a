"""The back office looks and changes nothing: rows move by actions only."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Lists and shows; who may look is a matter of view permissions. Fen are shown as yuan."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [
            _in_yuan(self.model, column)
            if isinstance(column, str) and column.endswith("_fen") and not hasattr(self, column)
            else column
            for column in super().get_list_display(request)
        ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _in_yuan(model: type[Model], column: str) -> Callable[[Model], str]:
    """A column of `model` in integer fen, shown as ¥1,234.56 and sorted as it is."""
    name = str(model._meta.get_field(column).verbose_name)  # type: ignore[union-attr]

    @admin.display(description=name.replace("(fen)", "").replace("（分）", ""), ordering=column)
    def shown(row: Model) -> str:
        fen = getattr(row, column)
        if fen is None:
            return "—"
        yuan, rest = divmod(abs(fen), 100)
        return f"{'-' if fen < 0 else ''}¥{yuan:,}.{rest:02d}"

    shown.__name__ = column
    return shown
