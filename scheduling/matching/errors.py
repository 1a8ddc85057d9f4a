"""The one refusal of the matching engine."""

from __future__ import annotations


class MarketError(ValueError):
    """The market cannot be planned as given; says which row and field, in two languages.

    code    what a program reads, for example ``negative_units``
    row     the row of the table (0-based index of the sequence, or the line of the file), or None
    field   the field's name, or None
    table   ``pools`` | ``jobs`` | ``carbon`` | ``hourly`` | ``market``
    """

    def __init__(
        self,
        code: str,
        *,
        text_en: str,
        text_zh: str,
        table: str = "market",
        row: int | None = None,
        field: str | None = None,
    ) -> None:
        self.code = code
        self.text_en = text_en
        self.text_zh = text_zh
        self.table = table
        self.row = row
        self.field = field
        where = table
        if row is not None:
            where += f" row {row}"
        if field is not None:
            where += f" field {field}"
        super().__init__(f"{where}: {text_en}")
