"""Anybody may see what is known of each issuer's rules."""

import pytest
from django.utils import timezone

from vouchers.presets import coverage

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_preset_is_listed_with_what_nobody_knows(client, language, django_assert_num_queries):
    client.cookies["django_language"] = language
    with django_assert_num_queries(0):
        page = client.get("/coverage").content.decode()
    rows = coverage(timezone.now())
    assert all(f"<code>{row.preset}</code>" in page for row in rows)
    assert page.count('class="unknown block"') == sum(len(row.missing) for row in rows)
    assert f"{sum(row.openable for row in rows)}</dd>" in page


def test_each_of_the_reports_24_issuers_is_marked(client):
    client.cookies["django_language"] = "en"
    page = client.get("/coverage").content.decode()
    named = {row.adcode for row in coverage(timezone.now()) if row.seed_named}
    assert len(named) >= 24
    assert page.count("· named in the report") == len(named)


def test_a_chinese_reader_reads_words_where_there_are_words(client):
    client.cookies["django_language"] = "zh-hans"
    page = client.get("/coverage").content.decode()
    assert "pays nothing by itself" not in page
    assert '<span class="block">补贴比例</span>' in page
    assert '<span class="block">rate</span>' not in page
