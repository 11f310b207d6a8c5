from __future__ import annotations

import sys

try:
    from wasmfix.cli import main

    main()
except KeyboardInterrupt:  # while modules are loaded
    sys.exit(130)
