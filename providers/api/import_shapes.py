"""Shapes of imports."""

from typing import Any

from rest_framework import serializers

from providers.models import ImportFile, ImportRow


class ImportSerializer(serializers.ModelSerializer[ImportFile]):
    """`rows_checked` of `rows_total` is the progress; fates are under /imports/{id}/rows."""

    class Meta:
        model = ImportFile
        exclude = ["content"]


class ImportRequest(serializers.Serializer[Any]):
    """Send the file as multipart form data, or its rows as JSON with the same column names."""

    file = serializers.FileField(required=False, help_text="CSV (UTF-8 or GBK), XLSX or JSON")
    filename = serializers.CharField(required=False, default="pools.json", max_length=200)
    rows = serializers.ListField(child=serializers.DictField(), required=False, max_length=200_000)


class ProblemSerializer(serializers.Serializer[Any]):
    column = serializers.CharField()
    code = serializers.CharField()
    text_en = serializers.CharField()
    text_zh = serializers.CharField()


class ImportRowSerializer(serializers.ModelSerializer[ImportRow]):
    values = serializers.DictField(read_only=True)
    problems = ProblemSerializer(many=True, read_only=True)

    class Meta:
        model = ImportRow
        fields = ["id", "number", "fate", "values", "problems"]
