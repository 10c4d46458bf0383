"""Web pages for people: server-rendered, Chinese first, usable on a phone with JavaScript off."""

from forms.application import install, router

__all__ = ["install", "router"]
