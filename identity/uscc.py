"""Unified Social Credit Codes (GB 32100-2015) and administrative codes (GB/T 2260)."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError as NumberError


def validate_uscc(value: str) -> None:
    """Refuse a code whose alphabet, length or check digit (GB 32100-2015) is wrong."""
    try:
        if uscc.validate(value) != value:
            raise ValidationError(_("Write the 18 characters without spaces."), code="uscc_format")
    except NumberError as error:
        raise ValidationError(
            _("Not a unified social credit code: the check digit or format is wrong."),
            code="uscc_invalid",
        ) from error


# The first two digits of every GB/T 2260 code.
PROVINCES = frozenset(
    {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55)}
    | {*range(61, 66), 71, 81, 82}
)


def validate_adcode(value: str) -> None:
    """Refuse what cannot be a six-digit GB/T 2260 code of a known province."""
    if not re.fullmatch(r"[0-9]{6}", value) or (
        int(value[:2]) not in PROVINCES and value != "100000"
    ):
        raise ValidationError(_("Not a six-digit GB/T 2260 code."), code="adcode_invalid")
