"""Settings: CHUNCHA_* environment variables or one TOML file, read once; wrong values are refused by name."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class SettingsWrong(Exception):
    """A setting has a value that cannot be used; the text names the variable and what it must be."""


class Settings(BaseSettings):
    """Everything that differs from one installation to the next.

    The environment wins over the TOML file named by CHUNCHA_CONFIG. A secret may also come from a file of its own named
    by the variable with _FILE at its end, as containers hand them over: CHUNCHA_DATABASE_URL_FILE and so on (SECRETS).
    """

    model_config = SettingsConfigDict(env_prefix="CHUNCHA_", extra="forbid")

    data: Path = Path("chuncha-data")
    """Folder that holds everything this installation owns: embedded database, files, papers."""
    database_url: str | None = None
    """Any PostgreSQL from version 15; None: the embedded one in the data folder."""
    database_pool: int = Field(default=16, ge=1, le=200)
    """Connections each process may hold."""
    files_url: str | None = None
    """s3://bucket/prefix for an S3-compatible store; None: the folder `files` in the data folder."""
    files_endpoint: str | None = None
    """Where that store answers, http(s)://host:port; None: Amazon's own."""
    files_region: str | None = None
    files_key_id: str | None = None
    """Access key id; None: what the machine itself is allowed (its role, the AWS_* variables)."""
    files_secret: str | None = Field(default=None, validate_default=True)
    """The secret access key of that id."""
    file_max_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)
    """The largest photo accepted, bytes."""
    evidence_minutes: int = Field(default=30, ge=1, le=7 * 24 * 60)
    """A photo's own time may differ by this much from what the form said before the ticket shows it."""
    evidence_metres: int = Field(default=1000, ge=10, le=1_000_000)
    """The same for its place; browsers in China may be some hundred metres off (GCJ-02)."""
    smtp_url: str | None = None
    """smtp://[user:password@]host:port or smtps://…; None: notices stay in the people's in-box."""
    mail_from: str = "chuncha@localhost"
    public_url: str = "http://127.0.0.1:8080"
    """Where people reach the pages; links in notices begin with it, and https makes cookies Secure."""
    ping_url: str | None = None
    """Called after every sweep, so that somebody outside notices when none comes; /fail is added on failure."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    web_processes: int = Field(default=1, ge=1, le=64)

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, url: str | None) -> str | None:
        """Programs write postgresql://; the driver's own name is added here."""
        if url is None:
            return None
        for scheme in ("postgresql://", "postgres://"):
            if url.startswith(scheme):
                return "postgresql+psycopg://" + url.removeprefix(scheme)
        if not url.startswith("postgresql+psycopg://"):
            raise ValueError("must be a PostgreSQL address: postgresql://user:password@host/database")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("smtp://", "smtps://")):
            raise ValueError("must be smtp://[user:password@]host:port or smtps://…")
        return url

    @field_validator("files_url")
    @classmethod
    def _files(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[^?#]*)?", url):
            raise ValueError("must be s3://bucket/prefix")
        return url

    @field_validator("files_secret")
    @classmethod
    def _pair(cls, secret: str | None, told: ValidationInfo) -> str | None:
        if (secret is None) != (told.data.get("files_key_id") is None):
            raise ValueError("CHUNCHA_FILES_KEY_ID and CHUNCHA_FILES_SECRET come together")
        return secret

    @field_validator("ping_url", "files_endpoint")
    @classmethod
    def _web(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url

    @field_validator("public_url")
    @classmethod
    def _public(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether people come through TLS, so that cookies are Secure."""
        return self.public_url.startswith("https://")

    @property
    def files_folder(self) -> Path:
        """Where files lie when no S3-compatible store is named."""
        return self.data / "files"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the one TOML file."""
        config = os.environ.get("CHUNCHA_CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(config)),) if config else ()
        return init_settings, env_settings, *toml


SECRETS = ("database_url", "files_key_id", "files_secret", "ping_url", "smtp_url")
"""Settings that may lie in a file of their own."""

#: Variables of the house that name a file instead of a setting.
_NAMES_A_FILE = tuple(f"CHUNCHA_{name.upper()}_FILE" for name in SECRETS)
#: What an installation may do without; a compose file mounts the secret all the same.
_MAY_BE_EMPTY = ("CHUNCHA_PING_URL_FILE", "CHUNCHA_SMTP_URL_FILE")


def read_settings(**given: object) -> Settings:
    """Read the settings once; `given` (from the command line) wins over environment and file.

    Raises SettingsWrong naming each variable that is unknown or has an unusable value.
    """
    for variable in _NAMES_A_FILE:
        if path := os.environ.get(variable):
            try:
                secret = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsWrong(f"{variable}: {path} cannot be read ({error.strerror})") from error
            except UnicodeDecodeError as error:
                raise SettingsWrong(f"{variable}: {path} is not text ({error.reason})") from error
            if secret:
                os.environ.setdefault(variable.removesuffix("_FILE"), secret)
            elif variable not in _MAY_BE_EMPTY:
                raise SettingsWrong(f"{variable}: {path} is empty")
    config = os.environ.get("CHUNCHA_CONFIG")
    if config and not Path(config).is_file():
        raise SettingsWrong(f"CHUNCHA_CONFIG: there is no file {config}")
    if config:
        try:
            tomllib.loads(Path(config).read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsWrong(f"CHUNCHA_CONFIG: {config} is not a TOML file ({error})") from error
    known = {f"CHUNCHA_{name.upper()}" for name in Settings.model_fields} | {"CHUNCHA_CONFIG", *_NAMES_A_FILE}
    unknown = sorted(name for name in os.environ if name.startswith("CHUNCHA_") and name not in known)
    if unknown:
        raise SettingsWrong(f"unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"CHUNCHA_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()]
        raise SettingsWrong("; ".join(lines)) from error
