"""The one settings file. Everything that differs between machines comes from the environment."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config import authorities, instance


def env(name: str, default: str = "") -> str:
    """A value from the environment; an empty one counts as not set."""
    return os.environ.get(name) or default


def env_flag(name: str, *, default: bool) -> bool:
    """1 or 0 from the environment; anything else is a mistake worth stopping for."""
    found = env(name, "1" if default else "0")
    if found not in ("0", "1"):
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {found!r}.")
    return found == "1"


def env_number(name: str, default: int) -> int:
    """A whole number from the environment."""
    found = env(name, str(default))
    if not found.isascii() or not found.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {found!r}.")
    return int(found)


def env_list(name: str, default: list[str]) -> list[str]:
    """Values separated by commas."""
    found = [part.strip() for part in env(name).split(",") if part.strip()]
    return found or default


BASE_DIR = instance.REPO
PRODUCTION = env_flag("PRODUCTION", default=False)
DEMO = env_flag("DEMO", default=True)
DEBUG = env_flag("DEBUG", default=False)

# --- Where things lie ---------------------------------------------------------------------------------------

VAR_DIR = instance.var_dir()
VAULT_DIR = Path(env("VAULT_DIR", str(VAR_DIR / "vault")))
SEGMENT_DIR = Path(env("SEGMENT_DIR", str(VAR_DIR / "segments")))
HOST_KEY_FILE = Path(env("HOST_KEY_FILE", str(VAR_DIR / "host.key")))
HOST_NAME = env("HOST_NAME", "localhost")
PORT = env_number("PORT", 8000)

try:
    _secrets = instance.read_secrets(VAR_DIR)
    _embedded = instance.read_embedded(VAR_DIR)
except instance.NotReady as error:
    raise ImproperlyConfigured(str(error)) from error

# Before the first start there is no key yet: tools such as `check` get one that dies with the process.
SECRET_KEY = env("SECRET_KEY", _secrets.secret_key if _secrets else secrets.token_urlsafe(48))
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS", [])

# RFC 3161: by whom checkpoints are time-stamped, as name|url|file of PEM roots, by commas; nobody if empty.
TIME_STAMP_AUTHORITIES = authorities.parse(env("TIME_STAMP_AUTHORITIES"))

# --- Production refuses what only suits a demo --------------------------------------------------------------

if PRODUCTION:
    for _wanted, _why in (
        ("SECRET_KEY", "a generated key would differ between machines and end sessions when VAR_DIR is lost"),
        ("DATABASE_URL", "the embedded database is for demos and tests"),
        ("CELERY_BROKER_URL", "the embedded broker is for demos and tests"),
        ("ALLOWED_HOSTS", "the names under which people reach Countersign must be listed"),
        ("HOST_NAME", "it becomes part of every ledger's origin for good, and localhost names nobody"),
    ):
        if not env(_wanted) or (_wanted, env(_wanted)) == ("HOST_NAME", "localhost"):
            raise ImproperlyConfigured(f"PRODUCTION=1 needs {_wanted}: {_why}.")
    if DEBUG:
        raise ImproperlyConfigured(
            "PRODUCTION=1 refuses DEBUG=1: error pages would show settings and evidence."
        )
    if env_flag("DEMO", default=False):
        raise ImproperlyConfigured(
            "PRODUCTION=1 refuses DEMO=1: the demo signs people in with known passwords."
        )
    DEMO = False

# --- Database -----------------------------------------------------------------------------------------------


def database(url: str, *, name: str, pool: bool) -> dict[str, Any]:
    """One entry of DATABASES from a postgresql:// URL."""
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"{name} is not a PostgreSQL URL: {str(error).strip()}.") from error
    if not url.startswith(("postgresql://", "postgres://")) or not parts.get("dbname"):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host:5432/database.")
    options: dict[str, Any] = {
        key: value
        for key, value in parts.items()
        if key not in ("dbname", "user", "password", "host", "port")
    }
    options.setdefault("application_name", "countersign")
    options.setdefault("connect_timeout", 5)
    if pool:
        # At most one connection a web thread; threads wait here rather than at the server.
        options["pool"] = {"min_size": 1, "max_size": env_number("WEB_THREADS", 8) + 1, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "OPTIONS": options,
        "CONN_HEALTH_CHECKS": pool,
    }


def embedded_database(role: str, password: str) -> str:
    """The URL of the embedded PostgreSQL for one of its two roles."""
    return f"postgresql://{role}:{password}@/countersign?host={quote(_embedded.postgres_sockets, safe='')}"


EMBEDDED_DATABASE = not env("DATABASE_URL")
_app_url = env("DATABASE_URL") or embedded_database(
    "countersign_app", _secrets.database_app_password if _secrets else ""
)
_owner_url = env("DATABASE_OWNER_URL")
if EMBEDDED_DATABASE:
    _owner_url = embedded_database("countersign_owner", _secrets.database_owner_password if _secrets else "")

# "default" is the app's role, which owns nothing; only "owner" may change the schema (config/router.py).
# A web server that never migrates needs no DATABASE_OWNER_URL, so the alias may be absent.
# Only web processes pool (config/wsgi.py): a task must give up its session locks with its connection.
DATABASES = {
    "default": database(_app_url, name="DATABASE_URL", pool=env_flag("DATABASE_POOL", default=False))
}
if _owner_url:
    DATABASES["owner"] = database(_owner_url, name="DATABASE_OWNER_URL", pool=False)
DATABASE_ROUTERS = ["config.router.OwnerMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in rate limits must hold across processes, so the cache is a table (made by `manage.py prepare`).
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "config_cache"},
}

# --- Celery: messages are nudges, rows in PostgreSQL are the truth, so every task may run twice -------------

EMBEDDED_BROKER = not env("CELERY_BROKER_URL")
CELERY_BROKER_URL = env("CELERY_BROKER_URL", f"redis+socket://{quote(_embedded.broker_socket)}")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A request must not hang on a dead broker; the sweep finds what was not nudged.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
# In memory: a minute's rhythm needs no schedule file that a crash could damage.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "cases.tasks.sweep", "schedule": 60.0, "options": {"expires": 55}},
    "stamp": {"task": "cases.tasks.stamp_due", "schedule": 300.0, "options": {"expires": 295}},
}
if CELERY_BROKER_URL.startswith(("redis", "valkey")):
    # An unacknowledged message comes back after this time even while its task still runs; the second run
    # finds the item's advisory lock taken and returns. Without the intervals it would come minutes later.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
    }
else:
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}

# --- The application ----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "web",
    "cases",
    "evidence",
    "ledger",
    "api",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "csp",
    "config.adminapp.OperatorConsole",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.headers.fixed_headers",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "web.context.frame",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True

STATIC_URL = "static/"
# Served straight from the apps' static folders: nothing to collect, nothing to forget after an upgrade.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- Who may come in ----------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ANONYMOUS_USER_NAME = None  # guardian: nobody is somebody
GUARDIAN_RAISE_403 = False

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "config.accounts.NoSignUp"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = "strict"
ALLAUTH_TRUSTED_PROXY_COUNT = env_number("TRUSTED_PROXIES", 0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Countersign"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# The site for which members' passkeys sign acts: the name in the browser's address bar, and whole origins.
_site = next((name.lstrip(".") for name in env_list("ALLOWED_HOSTS", []) if name != "*"), HOST_NAME)
WEBAUTHN_RP_ID = env("WEBAUTHN_RP_ID", _site if PRODUCTION else "localhost")
WEBAUTHN_ORIGINS = env_list(
    "WEBAUTHN_ORIGINS", [f"https://{WEBAUTHN_RP_ID}" if PRODUCTION else f"http://{WEBAUTHN_RP_ID}:{PORT}"]
)
USERSESSIONS_TRACK_ACTIVITY = False  # would write on every page view

EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if env("EMAIL_HOST")
    else ("django.core.mail.backends.dummy.EmailBackend")
)
EMAIL_HOST = env("EMAIL_HOST", "localhost")
EMAIL_PORT = env_number("EMAIL_PORT", 587)
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_flag("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", f"countersign@{HOST_NAME}")

# --- What a browser is told ---------------------------------------------------------------------------------

ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", [])
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],  # data: is how allauth shows the TOTP code
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env_number("SESSION_HOURS", 12) * 3600
# Two instances on one machine differ only in their port, which cookies do not know.
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else f"session-{PORT}"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else f"csrf-{PORT}"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "web.views.errors.form_out_of_date"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    if ALLAUTH_TRUSTED_PROXY_COUNT:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- The API ------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["api.authentication.HoldsToken"],
    "DEFAULT_RENDERER_CLASSES": ["api.parsers.CountersignJSON"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.BoundedJSON"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.parsers.AlwaysJson",
    "DEFAULT_THROTTLE_CLASSES": ["api.throttle.PerToken"],
    # For each token and web process; a ceiling against runaway scripts, not a quota.
    "DEFAULT_THROTTLE_RATES": {"token": env("API_RATE", "6000/min")},
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    # `format` is a filter of the evidence list, never a way to choose a renderer.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "Joint cases between organisations that only half trust each other.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string"}, "ordinal": {"type": "integer", "minimum": 0}},
    "ENUM_NAME_OVERRIDES": {
        name: f"api.serializers.fields.{choices}"
        for name, choices in {
            "Marking": "MARKINGS",
            "ItemState": "ITEM_STATES",
            "ItemKind": "ITEM_KINDS",
            "EveryItemKind": "EVERY_KIND",
            "CaseStatus": "CASE_STATUSES",
            "StatusGoal": "STATUS_GOALS",
            "Category": "CATEGORIES",
            "Severity": "SEVERITIES",
            "PartyKind": "PARTY_KINDS",
            "Part": "PARTS",
            "NewPart": "NEW_PARTS",
            "CustodyKind": "STEP_KINDS",
            "ProofState": "PROOF_STATES",
            "KeyKind": "KEY_KINDS",
            "KeyPurpose": "KEY_PURPOSES",
            "SignedAct": "SIGNED_ACTS",
            "ProposalKind": "PROPOSAL_KINDS",
            "ProposalState": "PROPOSAL_STATES",
            "AnswerGiven": "ANSWERS_GIVEN",
            "SignedKeyAct": "SIGNED_KEY_ACTS",
            "ShareStatus": "SHARE_STATUSES",
            "ShareScope": "SHARE_SCOPES",
            "Operation": "OPERATIONS",
            "MemberRole": "ROLES",
            "Side": "SIDES",
            "ReferralStatus": "REFERRAL_STATUSES",
            "ReferralSide": "REFERRAL_SIDES",
        }.items()
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "api.schema.add_problems"],
}

# --- Logs ---------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.logs.OneLine",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # SQL would carry the values of evidence and of sign-ins into the log.
        "django.db.backends": {"level": "WARNING"},
    },
}
