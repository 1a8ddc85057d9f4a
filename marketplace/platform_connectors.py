"""The connector a platform is reached through, from the settings."""

from django.conf import settings

from scheduling.models import Platform
from scheduling.platforms.connectors.contract import Connector
from scheduling.platforms.connectors.sandbox import SandboxConnector
from scheduling.refusals import PlatformCannotDispatch


def connector_for(platform: Platform) -> Connector:
    """Raises PlatformCannotDispatch for a platform without one."""
    if platform.connector != "sandbox" or not platform.can_dispatch:
        raise PlatformCannotDispatch(platform=platform.name, status=platform.status_text)
    return SandboxConnector(
        base_url=settings.SANDBOX_PLATFORM_URL,
        api_token=settings.SANDBOX_PLATFORM_TOKEN,
        callback_secret=settings.SANDBOX_PLATFORM_SECRET,
    )
