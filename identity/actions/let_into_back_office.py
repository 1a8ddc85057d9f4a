"""Officers of a government body may look at the back office; nobody edits there."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from identity.models import User

GROUP = "back office: look"


@transaction.atomic
def let_into_back_office(*, user: User) -> User:
    """Make `user` staff with every view permission, and no other."""
    group, _created = Group.objects.get_or_create(name=GROUP)
    group.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.groups.add(group)
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user
