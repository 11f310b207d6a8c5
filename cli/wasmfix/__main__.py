from __future__ import annotations

from wasmfix.cli import main

main()
