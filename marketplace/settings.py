"""Settings by environment, secure by default.

Every variable is described in deploy/env.example. Without DEMO=1 there is no default secret and
no debug; a missing value stops the process with its name.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import structlog
from celery.schedules import crontab
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from kombu import Queue

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEMO = env.bool("DEMO", default=False)
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="http://127.0.0.1:8000")

INSTALLED_APPS = [
    "rest_framework_api_key",  # before identity, whose back office replaces its own
    "audit",
    "identity",
    "ledger",
    "treasury",
    "providers",
    "vouchers",
    "scheduling",
    "marketplace",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "marketplace.http.database_down.DatabaseDownMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "marketplace.http.idempotency.IdempotencyMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"].setdefault("OPTIONS", {})
# Pools are per process and must not cross a Celery fork, so only the web server asks for one.
if env.bool("DATABASE_POOL", default=False):
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 5}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Secure unless a plain-HTTP demo on loopback says otherwise.
HTTPS = env.bool("HTTPS", default=not DEMO)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
)
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "identity.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["identity.permissions.IsActor"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.http.pagination.NewestFirst",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "marketplace.http.openapi.ProblemAwareSchema",
    "EXCEPTION_HANDLER": "marketplace.http.problem_details.handle",
    "DATETIME_FORMAT": "iso-8601",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Suanquan (算券)",
    "DESCRIPTION": (
        "Compute vouchers and green compute scheduling. Money is integer fen (CNY); times are "
        "RFC 3339 with offset; errors are RFC 9457 problem details with a stable `code`; unsafe "
        "requests accept an `Idempotency-Key`."
    ),
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "ApplicationStateEnum": "vouchers.models.Application.State",
        "PolicyVersionStateEnum": "vouchers.models.PolicyVersion.State",
        "ClaimStateEnum": "vouchers.models.Claim.State",
        "SubsidyAwardStateEnum": "vouchers.models.SubsidyAward.State",
        "ClaimWindowStateEnum": "vouchers.models.ClaimWindow.State",
        "WindowAnswerStateEnum": "vouchers.models.WindowAnswer.State",
        "ProposalStateEnum": "treasury.models.Proposal.State",
        "ReadingStateEnum": "providers.models.MeterReading.State",
        "ClosureKindEnum": "providers.models.Closure.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.http.openapi.add_problem_schema",
    ],
}

# Celery. The broker is only a doorbell: the outbox in PostgreSQL is swept (audit/outbox.py).
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="amqp://guest:guest@127.0.0.1:5672//")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem"):
    _mail = Path(env.str("CELERY_FILESYSTEM_FOLDER", default=str(BASE_DIR / "var" / "broker")))
    for _folder in ("mail", "processed", "control"):
        (_mail / _folder).mkdir(parents=True, exist_ok=True)
    # One folder in and out: workers and web share it on one machine.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_mail / "mail"),
        "data_folder_out": str(_mail / "mail"),
        "processed_folder": str(_mail / "processed"),
        "control_folder": str(_mail / "control"),
        "polling_interval": 0.2,
    }
QUEUES = ("matching", "settlement", "dispatch", "payments", "outbox")
_quorum = CELERY_BROKER_URL.startswith(("amqp", "pyamqp"))
CELERY_TASK_QUEUES = [
    Queue(name, queue_arguments={"x-queue-type": "quorum"} if _quorum else None) for name in QUEUES
]
CELERY_TASK_DEFAULT_QUEUE = "outbox"
CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum" if _quorum else "classic"
CELERY_WORKER_DETECT_QUORUM_QUEUES = True
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 600
CELERY_TASK_TIME_LIMIT = 660
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = _quorum
CELERY_TIMEZONE = TIME_ZONE
CELERY_ENABLE_UTC = True
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=2.0)
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "sweep-outbox": {
        "task": "marketplace.sweep_outbox",
        "schedule": SWEEP_SECONDS,
        "options": {"queue": "outbox", "expires": 30},
    },
    "match-market": {
        "task": "marketplace.match_market",
        "schedule": env.float("MATCH_SECONDS", default=10.0),
        "options": {"queue": "matching", "expires": 60},
    },
    "suggest-relocations": {
        "task": "marketplace.suggest_relocations",
        "schedule": crontab(minute="11"),
        "options": {"queue": "matching", "expires": 1800},
    },
    "expire-holds": {
        "task": "marketplace.expire_holds",
        "schedule": 60.0,
        "options": {"queue": "settlement", "expires": 120},
    },
    "lapse-vouchers": {
        "task": "marketplace.lapse_vouchers",
        "schedule": crontab(minute="1,31"),
        "options": {"queue": "settlement", "expires": 1800},
    },
    "work-on-imports": {
        "task": "marketplace.work_on_imports",
        "schedule": 5.0,
        "options": {"queue": "settlement", "expires": 30},
    },
    "serve-windows": {
        "task": "marketplace.serve_windows",
        "schedule": 5.0,
        "options": {"queue": "settlement", "expires": 30},
    },
    "check-last-month": {
        "task": "marketplace.check_last_month",
        "schedule": crontab(hour="5", minute="40"),
        "options": {"queue": "settlement", "expires": 7200},
    },
    "keep-meters": {
        "task": "marketplace.keep_meters",
        "schedule": crontab(hour="4", minute="20"),
        "options": {"queue": "settlement", "expires": 7200},
    },
    "end-budget-years": {
        "task": "marketplace.end_budget_years",
        "schedule": crontab(hour="0", minute="5"),
        "options": {"queue": "settlement", "expires": 7200},
    },
    "settle-years": {
        "task": "marketplace.settle_years",
        "schedule": 60.0,
        "options": {"queue": "settlement", "expires": 60},
    },
    "raise-envelope-alerts": {
        "task": "marketplace.raise_envelope_alerts",
        "schedule": 300.0,
        "options": {"queue": "settlement", "expires": 300},
    },
    "make-checkpoint": {
        "task": "marketplace.make_checkpoint",
        "schedule": env.float("CHECKPOINT_SECONDS", default=3600.0),
        "options": {"queue": "settlement", "expires": 600},
    },
    "verify-books": {
        "task": "marketplace.verify_books",
        "schedule": crontab(hour="3", minute="10"),
        "options": {"queue": "settlement", "expires": 7200},
    },
}

# Matching. The carbon price is a policy knob; the default is of the order of the national
# emissions market (about a tenth of 1 CNY/kg: docs/guides/matching.md).
MATCHING_HORIZON_HOURS = 168
# Processes that plan: a large market is split over them where its parts do not interact.
MATCHING_WORKERS = env.int("MATCHING_WORKERS", default=2)
# A large market is planned whole at most this often; what comes in between is placed at the last
# plan's prices.
MATCHING_BATCH_SECONDS = env.int("MATCHING_BATCH_SECONDS", default=600)
MATCHING_CARBON_PRICE_FEN_PER_KG = env.int("MATCHING_CARBON_PRICE_FEN_PER_KG", default=10)

# Doors to the outside world.
# Checkpoints of the audit chain are signed under this name with this key (base64, Ed25519 seed).
CHECKPOINT_ORIGIN = env.str(
    "CHECKPOINT_ORIGIN", default=f"{urlsplit(PUBLIC_BASE_URL).netloc}/audit-chain"
)
CHECKPOINT_KEY = env.str("CHECKPOINT_KEY", default="")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
STRIPE_API_KEY = env.str("STRIPE_API_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
SANDBOX_PLATFORM_URL = env.str("SANDBOX_PLATFORM_URL", default="")
SANDBOX_PLATFORM_SECRET = env.str("SANDBOX_PLATFORM_SECRET", default="")
SANDBOX_PLATFORM_TOKEN = env.str("SANDBOX_PLATFORM_TOKEN", default="")

UNFOLD = {
    "SITE_TITLE": "算券 Suanquan",
    "SITE_HEADER": "算券 Suanquan",
    "SITE_SYMBOL": "toll",
    # The green of the portal's pages, from light to dark.
    "COLORS": {
        "primary": {
            "50": "236 247 243",
            "100": "209 236 227",
            "200": "165 217 202",
            "300": "114 194 173",
            "400": "63 165 140",
            "500": "26 138 112",
            "600": "11 110 88",
            "700": "9 88 71",
            "800": "8 70 57",
            "900": "7 57 47",
            "950": "3 33 27",
        }
    },
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
            ],
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"httpx": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
