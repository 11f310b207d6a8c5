"""Run a patched package in Node and see whether it does what wasmfix promises."""

from __future__ import annotations

from wasmfix.verification.report import CheckResult, VerifyReport
from wasmfix.verification.verify import verify_package

__all__ = ["CheckResult", "VerifyReport", "verify_package"]
