"""Which organizations are related, and how: one reading of the register for many pairs.

Asked by claims (the provider may not be the claimant's) and awards (related-party trade is not
counted). What is not registered is not known; nobody is clean by silence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from identity.models import Affiliation, Membership, Organization, Succession


@dataclass(frozen=True)
class Ties:
    """The register's ties among some organizations; `between` answers for one pair."""

    groups: dict[int, str]
    people: dict[int, frozenset[int]]
    succeeded: frozenset[frozenset[int]]
    affiliated: tuple[tuple[date, int, int], ...]

    def between(self, one: int, other: int, *, on: date) -> tuple[str, ...]:
        """The ties of two organizations (by primary key) on that day, sorted; () when none.

        control_group: the same registered group. shared_person: one person belongs to both.
        succession: one follows the other. affiliation: registered, directly or through others.
        """
        if one == other:
            return ("same_organization",)
        found = []
        if self._reaches(one, other, on):
            found.append("affiliation")
        group = self.groups.get(one)
        if group is not None and group == self.groups.get(other):
            found.append("control_group")
        if self.people.get(one, frozenset()) & self.people.get(other, frozenset()):
            found.append("shared_person")
        if frozenset((one, other)) in self.succeeded:
            found.append("succession")
        return tuple(found)

    def _reaches(self, start: int, goal: int, on: date) -> bool:
        reached, fresh = {start}, {start}
        while fresh:
            beside = {
                far
                for since, one, other in self.affiliated
                if since <= on
                for near, far in ((one, other), (other, one))
                if near in fresh
            }
            fresh = beside - reached
            reached |= fresh
        return goal in reached


def ties_among(organizations: Iterable[Organization]) -> Ties:
    """Read once what the register knows of `organizations`; four queries, whatever their number.

    Affiliations are read whole: two of ours may be tied by a third that is not among them.
    """
    rows = {each.pk: each for each in organizations}
    people: dict[int, set[int]] = {}
    for organization_id, user_id in Membership.objects.filter(organization__in=rows).values_list(
        "organization_id", "user_id"
    ):
        people.setdefault(organization_id, set()).add(user_id)
    return Ties(
        groups={
            pk: str(group)
            for pk, each in rows.items()
            if (group := each.facts.get("control_group"))
        },
        people={pk: frozenset(users) for pk, users in people.items()},
        succeeded=frozenset(
            frozenset(pair)
            for pair in Succession.objects.filter(
                Q(predecessor__in=rows) & Q(successor__in=rows)
            ).values_list("predecessor_id", "successor_id")
        ),
        affiliated=tuple(
            Affiliation.objects.order_by("pk").values_list("effective_date", "one_id", "other_id")
        ),
    )
