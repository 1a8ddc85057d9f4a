"""Shapes of people and organizations."""

from rest_framework import serializers

from identity.models import ApiKey, Membership, Organization, RoleGrant


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["id", "kind", "name", "uscc", "adcode", "facts", "sample", "created_at"]


class OrganizationRequest(serializers.Serializer[None]):
    """USCC and adcode are checked by the register itself, which names the field."""

    kind = serializers.CharField(max_length=20)
    name = serializers.CharField(max_length=200)
    uscc = serializers.CharField(max_length=18)
    adcode = serializers.CharField(max_length=6)
    facts = serializers.DictField(required=False)


class RoleGrantSerializer(serializers.ModelSerializer[RoleGrant]):
    starts_at = serializers.DateTimeField(source="valid.lower", read_only=True)
    ends_at = serializers.DateTimeField(source="valid.upper", read_only=True, allow_null=True)

    class Meta:
        model = RoleGrant
        fields = ["role", "starts_at", "ends_at", "granted_by_id"]


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username", read_only=True)
    organization_name = serializers.CharField(source="organization.name", read_only=True)
    grants = RoleGrantSerializer(many=True, read_only=True)

    class Meta:
        model = Membership
        fields = ["id", "user", "username", "organization", "organization_name", "grants"]


class MeSerializer(serializers.Serializer[None]):
    person_id = serializers.IntegerField()
    username = serializers.CharField()
    organization = OrganizationSerializer(allow_null=True)
    roles = serializers.ListField(child=serializers.CharField())


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    expires_at = serializers.DateTimeField(source="expiry_date", allow_null=True)

    class Meta:
        model = ApiKey
        fields = ["prefix", "name", "membership", "created", "expires_at", "revoked"]
        read_only_fields = fields


class ApiKeyRequest(serializers.Serializer[None]):
    name = serializers.CharField(max_length=50)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class IssuedApiKeySerializer(serializers.Serializer[None]):
    """`key` is shown here and nowhere again."""

    key = serializers.CharField()
