"""Settings: read once from environment or one file; a wrong value is refused by its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domain.settings import Settings, SettingsWrong, read_settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("CHUNCHA_")]:
        monkeypatch.delenv(name)


def test_nothing_has_to_be_said():
    settings = read_settings()
    assert (settings.database_url, settings.smtp_url, settings.port) == (None, None, 8080)
    assert settings.file_max_bytes == 20 * 1024 * 1024
    assert settings.files_folder == settings.data / "files"
    assert not settings.secure


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(monkeypatch, tmp_path):
    config = tmp_path / "chuncha.toml"
    config.write_text('port = 1001\nhost = "127.0.0.9"\nmail_from = "a@example.org"\n')
    monkeypatch.setenv("CHUNCHA_CONFIG", str(config))
    monkeypatch.setenv("CHUNCHA_PORT", "1002")
    monkeypatch.setenv("CHUNCHA_HOST", "127.0.0.8")
    settings = read_settings(port=1003, host=None)
    assert (settings.port, settings.host, settings.mail_from) == (1003, "127.0.0.8", "a@example.org")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CHUNCHA_PORT", "many", "integer"),
        ("CHUNCHA_PORT", "70000", "65535"),
        ("CHUNCHA_FILE_MAX_BYTES", "10", "1024"),
        ("CHUNCHA_WEB_PROCESSES", "0", "1"),
        ("CHUNCHA_DATABASE_URL", "sqlite:///x.db", "PostgreSQL"),
        ("CHUNCHA_SMTP_URL", "mail.example.org", "smtp://"),
        ("CHUNCHA_PUBLIC_URL", "chuncha.example.org", "https://"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_people_wrote(monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsWrong) as wrong:
        read_settings()
    assert str(wrong.value).startswith(f"{name}: ")
    assert says in str(wrong.value)


def test_every_wrong_value_is_named_at_once(monkeypatch):
    monkeypatch.setenv("CHUNCHA_PORT", "x")
    monkeypatch.setenv("CHUNCHA_PUBLIC_URL", "x")
    with pytest.raises(
        SettingsWrong, match=r"CHUNCHA_PUBLIC_URL.*CHUNCHA_PORT|CHUNCHA_PORT.*CHUNCHA_PUBLIC_URL"
    ):
        read_settings()


def test_a_misspelt_setting_is_refused_not_ignored(monkeypatch):
    monkeypatch.setenv("CHUNCHA_DATABSE_URL", "postgresql://x")
    with pytest.raises(
        SettingsWrong, match=r"unknown setting CHUNCHA_DATABSE_URL; known: .*CHUNCHA_DATABASE_URL"
    ):
        read_settings()


def test_a_misspelt_line_of_the_file_is_refused(monkeypatch, tmp_path):
    config = tmp_path / "chuncha.toml"
    config.write_text("prot = 1001\n")
    monkeypatch.setenv("CHUNCHA_CONFIG", str(config))
    with pytest.raises(SettingsWrong, match="CHUNCHA_PROT"):
        read_settings()


@pytest.mark.parametrize("content", ["port = = 1", "\xff"])
def test_a_file_that_is_no_toml_is_refused_by_its_name(monkeypatch, tmp_path, content):
    config = tmp_path / "chuncha.toml"
    config.write_bytes(content.encode("latin-1"))
    monkeypatch.setenv("CHUNCHA_CONFIG", str(config))
    with pytest.raises(SettingsWrong, match="CHUNCHA_CONFIG"):
        read_settings()


def test_a_file_that_is_not_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("CHUNCHA_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsWrong, match="CHUNCHA_CONFIG: there is no file"):
        read_settings()


def test_a_secret_may_lie_in_a_file_of_its_own(monkeypatch, tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@db/chuncha\n")
    monkeypatch.setenv("CHUNCHA_DATABASE_URL_FILE", str(secret))
    assert read_settings().database_url == "postgresql+psycopg://u:p@db/chuncha"
    # What was read from the file must not outlive this test in the environment.
    os.environ.pop("CHUNCHA_DATABASE_URL", None)


def test_a_secret_file_that_is_not_there_is_refused_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv("CHUNCHA_SMTP_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsWrong, match="CHUNCHA_SMTP_URL_FILE"):
        read_settings()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_any_way_of_writing_the_database_is_understood(scheme):
    assert Settings(database_url=f"{scheme}://db/chuncha").database_url == "postgresql+psycopg://db/chuncha"


def test_https_makes_cookies_secure():
    settings = Settings(public_url="https://chuncha.example.org/")
    assert settings.secure
    assert settings.public_url == "https://chuncha.example.org"
    assert Settings(data=Path("x")).files_folder == Path("x/files")
