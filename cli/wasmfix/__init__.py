"""Run applications that use Zero's SQLite on WebAssembly, and put them back as they were."""

__version__ = "0.1.0"
