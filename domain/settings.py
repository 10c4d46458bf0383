"""Settings: CHUNCHA_* environment variables or one TOML file, read once; wrong values are refused by name."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, field_validator
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

    The environment wins over the TOML file named by CHUNCHA_CONFIG; a value may also come from a file named by
    CHUNCHA_DATABASE_URL_FILE or CHUNCHA_SMTP_URL_FILE (secrets of a container).
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

    @field_validator("ping_url")
    @classmethod
    def _ping(cls, url: str | None) -> str | None:
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


#: Variables of the house that name a file instead of a setting.
_NAMES_A_FILE = ("CHUNCHA_DATABASE_URL_FILE", "CHUNCHA_SMTP_URL_FILE")


def read_settings(**given: object) -> Settings:
    """Read the settings once; `given` (from the command line) wins over environment and file.

    Raises SettingsWrong naming each variable that is unknown or has an unusable value.
    """
    for variable in _NAMES_A_FILE:
        if path := os.environ.get(variable):
            try:
                os.environ.setdefault(variable.removesuffix("_FILE"), Path(path).read_text().strip())
            except OSError as error:
                raise SettingsWrong(f"{variable}: {path} cannot be read ({error.strerror})") from error
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
