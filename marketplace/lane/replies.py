"""What the lane says: the same bytes Django would, from the same code."""

import functools
import json
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer

from audit.decisions import Refusal
from marketplace.http.problem_details import CONTENT_TYPE, handle
from vouchers.claiming.claim_batch import Answered
from vouchers.refusals import ClaimNotRecorded, ClaimOutcomeUnknown

RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


JSON = (b"content-type", b"application/json")
REPLAYED = (b"idempotent-replayed", b"true")


def answered(answer: Answered) -> Reply:
    """201 for a first answer; 200 and a mark for one given before."""
    body = json.dumps(answer.as_dict(), ensure_ascii=False, separators=(",", ":")).encode()
    if answer.replayed:
        return Reply(200, [JSON, REPLAYED], body)
    return Reply(201, [JSON], body)


_said: dict[tuple[str, str], Reply] = {}


def refused(refusal: Refusal, language: str) -> Reply:
    """A refusal as problem details in the reader's language; the refusals of claims are few."""
    spoken = (f"{refusal.code} {refusal}", language)
    if spoken not in _said:
        _said[spoken] = _problem(refusal, language)
    return _said[spoken]


@functools.lru_cache(maxsize=8)
def too_many(language: str) -> Reply:
    """429: the lane is full and nothing was recorded."""
    return _problem(exceptions.Throttled(wait=RETRY_SECONDS), language)


@functools.lru_cache(maxsize=8)
def not_recorded(language: str) -> Reply:
    """503: the database could not be asked; nothing was recorded."""
    return _with_retry(_problem(ClaimNotRecorded(), language))


@functools.lru_cache(maxsize=8)
def outcome_unknown(language: str) -> Reply:
    """503: the claim may have been recorded; its key finds out."""
    return _with_retry(_problem(ClaimOutcomeUnknown(), language))


def _with_retry(reply: Reply) -> Reply:
    wait = (b"retry-after", str(RETRY_SECONDS).encode())
    return Reply(reply.status, [*reply.headers, wait], reply.body)


def _problem(error: Exception, language: str) -> Reply:
    with translation.override(language):
        response = handle(error, {})
    assert response is not None
    headers = [(b"content-type", CONTENT_TYPE.encode())]
    if "Retry-After" in response:
        headers.append((b"retry-after", str(response["Retry-After"]).encode()))
    return Reply(response.status_code, headers, JSONRenderer().render(response.data))


@functools.lru_cache(maxsize=256)
def language_of(accepted: str, cookie: str) -> str:
    """The language Django's middleware would choose for these two headers."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accepted
    for part in cookie.split(";"):
        name, _, value = part.strip().partition("=")
        if name == settings.LANGUAGE_COOKIE_NAME:
            request.COOKIES[name] = value
    return translation.get_language_from_request(request)
