"""The back office of people and organizations."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from audit.read_only_admin import ReadOnlyAdmin
from identity.models import (
    Affiliation,
    ApiKey,
    BreakGlass,
    ConflictScreen,
    Delegation,
    Membership,
    Organization,
    RoleGrant,
    Succession,
    User,
)

admin.site.unregister(APIKey)  # the library's own keys are not used: a key has a membership


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):
    """People are deactivated, never deleted."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "is_active", "is_staff"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    can_delete = False
    autocomplete_fields = ["user"]
    verbose_name_plural = _("memberships")


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    list_display = ["name", "kind", "uscc", "adcode", "sample"]
    list_filter = ["kind", "sample"]
    search_fields = ["name", "uscc"]
    readonly_fields = ["created_at"]
    inlines = [MembershipInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(RoleGrant)
class RoleGrantAdmin(ReadOnlyAdmin):
    list_display = ["membership", "role", "valid", "granted_by_id"]
    list_filter = ["role"]
    list_select_related = ["membership__user", "membership__organization"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ["prefix", "name", "membership", "created", "revoked", "expiry_date"]
    list_filter = ["revoked"]
    list_select_related = ["membership__user", "membership__organization"]


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin):
    list_display = ["lender", "borrower", "role", "organization", "valid", "revoked_at"]
    list_filter = ["role"]
    list_select_related = ["lender", "borrower", "organization"]


@admin.register(BreakGlass)
class BreakGlassAdmin(ReadOnlyAdmin):
    list_display = ["user", "role", "organization", "valid", "ended_at", "reason"]
    list_filter = ["role"]
    list_select_related = ["user", "organization"]


@admin.register(ConflictScreen)
class ConflictScreenAdmin(ReadOnlyAdmin):
    list_display = ["person", "organization", "act", "subject_id", "result", "screened_at"]
    list_filter = ["result"]
    list_select_related = ["person", "organization"]


@admin.register(Affiliation)
class AffiliationAdmin(ReadOnlyAdmin):
    list_display = ["one", "other", "kind", "effective_date", "registered_at"]
    list_filter = ["kind"]
    list_select_related = ["one", "other"]


@admin.register(Succession)
class SuccessionAdmin(ReadOnlyAdmin):
    list_display = ["predecessor", "successor", "kind", "effective_date"]
    list_select_related = ["predecessor", "successor"]
