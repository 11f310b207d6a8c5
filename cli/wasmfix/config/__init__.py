"""What a project tells wasmfix: `wasmfix.toml`, or `[tool.wasmfix]` in `pyproject.toml`."""
