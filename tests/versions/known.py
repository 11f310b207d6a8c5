"""The published versions that the matrix runs."""

from __future__ import annotations

ZERO = "@rocicorp/zero-sqlite3"
BETTER = "better-sqlite3"

ZERO_VERSIONS = (
    *("1.0.3", "1.0.4", "1.0.7", "1.0.8", "1.0.9", "1.0.10", "1.0.11", "1.0.12", "1.0.13", "1.0.15", "1.0.18"),
    *("1.1.0", "1.1.2", "1.1.4"),
)
"""All that are published."""

BETTER_VERSIONS = (
    *("9.0.0", "9.6.0", "10.0.0", "10.1.0", "11.0.0", "11.10.0", "12.0.0", "12.11.1"),
    *("13.0.0", "13.2.0"),
)
"""The first and the last of each major."""

VERSIONS = tuple((ZERO, version) for version in ZERO_VERSIONS) + tuple((BETTER, version) for version in BETTER_VERSIONS)

IN_EVERY_RUN = ((BETTER, "9.0.0"), (BETTER, "13.2.0"))
"""Without `make matrix`: the oldest one and the newest contract. Other tests have others."""
