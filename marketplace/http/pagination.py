"""Lists are walked by cursor, so that writes meanwhile neither skip nor repeat a row."""

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Newest first by primary key; `?page_size=` up to 500."""

    ordering = "-pk"
    page_size_query_param = "page_size"
    max_page_size = 500
