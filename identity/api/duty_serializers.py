"""Shapes of lent and emergency roles, declarations, screens, successions, and the matrix."""

from rest_framework import serializers

from identity.duties import Separation
from identity.models import Affiliation, BreakGlass, ConflictScreen, Delegation, Succession


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    lender_name = serializers.CharField(source="lender.username", read_only=True)
    borrower_name = serializers.CharField(source="borrower.username", read_only=True)
    starts_at = serializers.DateTimeField(source="valid.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="valid.upper", read_only=True)

    class Meta:
        model = Delegation
        fields = [
            "id",
            "organization",
            "lender",
            "lender_name",
            "borrower",
            "borrower_name",
            "role",
            "starts_at",
            "ends_at",
            "reason",
            "revoked_at",
        ]


class DelegationRequest(serializers.Serializer[None]):
    borrower = serializers.IntegerField(help_text="a colleague's person id")
    role = serializers.CharField(max_length=50)
    ends_at = serializers.DateTimeField()
    reason = serializers.CharField(max_length=2000)


class EmergencySerializer(serializers.ModelSerializer[BreakGlass]):
    username = serializers.CharField(source="user.username", read_only=True)
    starts_at = serializers.DateTimeField(source="valid.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="valid.upper", read_only=True)

    class Meta:
        model = BreakGlass
        fields = [
            "id",
            "organization",
            "user",
            "username",
            "role",
            "starts_at",
            "ends_at",
            "reason",
            "ended_at",
        ]


class EmergencyRequest(serializers.Serializer[None]):
    role = serializers.CharField(max_length=50)
    hours = serializers.IntegerField(min_value=1, max_value=8)
    reason = serializers.CharField(max_length=2000)


class ConflictScreenSerializer(serializers.ModelSerializer[ConflictScreen]):
    organization_name = serializers.CharField(source="organization.name", read_only=True)
    findings = serializers.DictField(
        child=serializers.ChoiceField(choices=["match", "clear", "unknown"])
    )

    class Meta:
        model = ConflictScreen
        fields = [
            "id",
            "person",
            "organization",
            "organization_name",
            "act",
            "subject_type",
            "subject_id",
            "result",
            "findings",
            "inputs",
            "inputs_hash",
            "screened_at",
        ]


class ScreenRequest(serializers.Serializer[None]):
    organization = serializers.IntegerField()


class InterestsRequest(serializers.Serializer[None]):
    """Each list may be left out or null ("not said"), or empty ("none")."""

    employer_usccs = serializers.ListField(
        child=serializers.CharField(max_length=18), required=False, allow_null=True, default=None
    )
    shareholding_usccs = serializers.ListField(
        child=serializers.CharField(max_length=18), required=False, allow_null=True, default=None
    )
    phones = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, allow_null=True, default=None
    )
    addresses = serializers.ListField(
        child=serializers.CharField(max_length=300), required=False, allow_null=True, default=None
    )
    bank_account_numbers = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, allow_null=True, default=None
    )


class InterestsSerializer(serializers.Serializer[None]):
    """Which lists stand; what is in them is not given back."""

    declared_at = serializers.DateTimeField()
    said = serializers.ListField(child=serializers.CharField())


class SuccessionSerializer(serializers.ModelSerializer[Succession]):
    class Meta:
        model = Succession
        fields = [
            "id",
            "predecessor",
            "successor",
            "kind",
            "effective_date",
            "evidence",
            "registered_by",
            "registered_at",
        ]


class SuccessionRequest(serializers.Serializer[None]):
    predecessor = serializers.IntegerField()
    successor = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Succession.Kind.values)
    effective_date = serializers.DateField()
    evidence = serializers.CharField(max_length=2000)


class AffiliationSerializer(serializers.ModelSerializer[Affiliation]):
    class Meta:
        model = Affiliation
        fields = [
            "id",
            "one",
            "other",
            "kind",
            "effective_date",
            "evidence",
            "registered_by",
            "registered_at",
        ]


class AffiliationRequest(serializers.Serializer[None]):
    one = serializers.IntegerField()
    other = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Affiliation.Kind.values)
    effective_date = serializers.DateField()
    evidence = serializers.CharField(max_length=2000)


class SeparationSerializer(serializers.Serializer[Separation]):
    thing = serializers.CharField()
    acts = serializers.ListField(child=serializers.CharField())
    held_by = serializers.ListField(child=serializers.CharField())
