"""What a project tells wasmfix: `wasmfix.toml`, or `[tool.wasmfix]` in `pyproject.toml`."""

from __future__ import annotations

from wasmfix.config.mistakes import ConfigError
from wasmfix.config.read import FILE_NAME, PYPROJECT, read_settings
from wasmfix.config.settings import Settings, Thresholds

__all__ = ["FILE_NAME", "PYPROJECT", "ConfigError", "Settings", "Thresholds", "read_settings"]
