"""The people and organizations of the demo. Sample data, and named so."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stdnum.cn import uscc

from audit.decisions import SYSTEM
from identity.actions.grant_role import grant_role
from identity.actions.issue_api_key import issue_api_key
from identity.actions.let_into_back_office import let_into_back_office
from identity.actions.register_organization import register_organization
from identity.models import ApiKey, Membership, Organization, User
from identity.roles import Role
from marketplace.sample import build_market

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Body:
    """An organization of the cast."""

    slug: str
    kind: str
    name: str
    adcode: str
    serial: int


@dataclass(frozen=True)
class Part:
    """A person of the cast: login, organization, roles, and which page to open."""

    username: str
    body: str
    roles: tuple[Role, ...]
    page: str


BODIES = (
    Body("hangzhou", "government", "示例·杭州市算力券主管部门", "330100", 1),
    Body("zhongwei", "government", "示例·中卫市数据主管部门", "640500", 2),
    Body("verifier", "government", "示例·绿色评级核验机构", "110000", 3),
    Body("enterprise", "enterprise", "示例·西湖智能科技有限公司", "330100", 4),
    Body("rival", "enterprise", "示例·钱塘机器人有限公司", "330100", 5),
    Body("platform-a", "platform", "示例·算力交易平台运营方甲", "640500", 6),
    Body("platform-b", "platform", "示例·算力交易平台运营方乙", "640500", 7),
    Body("platform-c", "platform", "示例·算力交易平台运营方丙", "640500", 8),
)

PARTS = (
    Part("drafter", "hangzhou", (Role.POLICY_DRAFTER,), "officer"),
    Part("approver", "hangzhou", (Role.POLICY_APPROVER,), "officer"),
    Part("approver2", "hangzhou", (Role.POLICY_APPROVER,), "officer"),
    Part("officer", "hangzhou", (Role.BUDGET_OFFICER,), "officer"),
    Part("officer2", "hangzhou", (Role.BUDGET_OFFICER,), "officer"),
    Part("reviewer", "hangzhou", (Role.REVIEWER,), "officer"),
    Part("reviewer2", "hangzhou", (Role.REVIEWER,), "officer"),
    Part("analyst", "hangzhou", (Role.FRAUD_ANALYST,), "officer"),
    Part("finance", "hangzhou", (Role.FINANCE_REVIEWER,), "officer"),
    Part("finance2", "hangzhou", (Role.FINANCE_REVIEWER,), "officer"),
    Part("finance3", "hangzhou", (Role.FINANCE_REVIEWER,), "officer"),
    Part("maker", "hangzhou", (Role.BATCH_MAKER,), "officer"),
    Part("checker", "hangzhou", (Role.BATCH_CHECKER,), "officer"),
    Part("releaser", "hangzhou", (Role.BATCH_RELEASER,), "officer"),
    Part("auditor", "hangzhou", (Role.AUDITOR,), "auditor"),
    Part("zw-drafter", "zhongwei", (Role.POLICY_DRAFTER,), "officer"),
    Part("zw-approver", "zhongwei", (Role.POLICY_APPROVER,), "officer"),
    Part("zw-approver2", "zhongwei", (Role.POLICY_APPROVER,), "officer"),
    Part("zw-officer", "zhongwei", (Role.BUDGET_OFFICER,), "officer"),
    Part("zw-officer2", "zhongwei", (Role.BUDGET_OFFICER,), "officer"),
    Part("zw-finance", "zhongwei", (Role.FINANCE_REVIEWER,), "officer"),
    Part("zw-finance2", "zhongwei", (Role.FINANCE_REVIEWER,), "officer"),
    Part("zw-finance3", "zhongwei", (Role.FINANCE_REVIEWER,), "officer"),
    Part("zw-maker", "zhongwei", (Role.BATCH_MAKER,), "officer"),
    Part("zw-checker", "zhongwei", (Role.BATCH_CHECKER,), "officer"),
    Part("zw-releaser", "zhongwei", (Role.BATCH_RELEASER,), "officer"),
    Part("verifier", "verifier", (Role.RATING_VERIFIER,), "officer"),
    Part("enterprise", "enterprise", (Role.ENTERPRISE_APPLICANT,), "enterprise"),
    Part("rival", "rival", (Role.ENTERPRISE_APPLICANT,), "enterprise"),
    Part("platform", "platform-a", (Role.PLATFORM_OPERATOR,), "public"),
)


def sample_uscc(adcode: str, serial: int) -> str:
    """A code with a right check digit that starts like a registered company's of `adcode`."""
    body = f"91{adcode}MADEM{serial:04d}"
    return body + uscc.calc_check_digit(body)


@dataclass(frozen=True)
class Cast:
    """Everybody: API keys by username and organization ids by slug. `since` dates the story."""

    keys: dict[str, str]
    bodies: dict[str, int]
    since: datetime


def gather_cast(*, password: str, keys_file: Path, at: datetime) -> Cast:
    """Make everybody who is missing, with an API key each.

    Keys can be read only once, so they are kept in `keys_file` (mode 0600); a key that is not there
    is issued anew and the old one revoked.
    """
    bodies = {body.slug: _organization(body, at) for body in BODIES}
    for provider in build_market().providers:
        body = Body(provider.key, "provider", provider.name_zh, provider.adcode, 0)
        bodies[provider.key] = _organization(body, at, code=provider.uscc)
    parts = [
        *PARTS,
        *(
            Part(slug, slug, (Role.PROVIDER_ADMIN,), "provider")
            for slug in bodies
            if slug.startswith("sample-provider")
        ),
    ]
    known = json.loads(keys_file.read_text()) if keys_file.exists() else {}
    keys = {}
    for part in parts:
        membership = ensure_member(part.username, bodies[part.body], part.roles, password)
        kept = known.get(part.username, "")
        keys[part.username] = kept if _is_good(kept) else _new_key(membership, at)
    keep_keys(keys_file, keys)
    return Cast(keys, {slug: row.pk for slug, row in bodies.items()}, bodies["hangzhou"].created_at)


def _is_good(key: str) -> bool:
    return bool(key) and bool(ApiKey.objects.is_valid(key))


def ensure_member(
    username: str, organization: Organization, roles: tuple[Role, ...], password: str
) -> Membership:
    """The person with a login and roles in `organization`."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create_user(username, password=password)
    if organization.kind == "government":
        let_into_back_office(user=user)
    for role in roles:
        grant_role(user=user, organization=organization, role=role, actor=SYSTEM, at=SINCE)
    return Membership.objects.get(user=user, organization=organization)


def keep_keys(keys_file: Path, keys: dict[str, str]) -> None:
    """Write the keys where only their owner reads them."""
    keys_file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(keys_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(keys, out, indent=1)


def _organization(body: Body, at: datetime, *, code: str = "") -> Organization:
    code = code or sample_uscc(body.adcode, body.serial)
    existing = Organization.objects.filter(uscc=code).first()
    return existing or register_organization(
        kind=body.kind,
        name=body.name,
        uscc=code,
        adcode=body.adcode,
        sample=True,
        actor=SYSTEM,
        at=at,
    )


def _new_key(membership: Membership, at: datetime) -> str:
    ApiKey.objects.filter(membership=membership, revoked=False).update(revoked=True)
    return issue_api_key(membership=membership, name="demo", actor=SYSTEM, at=at)
