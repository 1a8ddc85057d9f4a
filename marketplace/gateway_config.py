"""Where the payment gateway is, from the settings."""

from django.conf import settings

from marketplace.gateway_contract import GatewayConfig


def gateway_config() -> GatewayConfig:
    """The gateway as settings say."""
    return GatewayConfig(
        secret_key=settings.STRIPE_API_KEY,
        api_base=settings.STRIPE_API_BASE,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
    )
