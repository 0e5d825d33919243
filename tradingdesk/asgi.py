"""The ASGI application of the desk; ``tradingdesk.routing`` says who answers what."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingdesk.settings")
django.setup(set_prefix=False)

from .routing import application  # noqa: E402 - the routes need the apps

__all__ = ["application"]
