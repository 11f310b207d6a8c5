"""The demo is a folder that Python runs (`python demo`): its modules are importable by their own names."""

from __future__ import annotations

import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "demo"
if str(DEMO) not in sys.path:
    sys.path.append(str(DEMO))
