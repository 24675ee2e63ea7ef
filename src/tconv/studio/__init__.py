"""The interactive page: a layer worked out cell by cell, in four ways that agree."""

from .export import page
from .server import StudioServer, open_server

__all__ = ["StudioServer", "open_server", "page"]
