"""The standalone driver does and says what zero-sqlite3's own lib/ does: the claims of the differential suite."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from differential.compare import observed
from differential.drivers import Driver, listed

# What these look at lies below the addon, where both faces are the same.
BELOW = {"claims/integrity", "claims/journals", "claims/temporary"}
AREAS = [area for area in listed() if area.startswith("claims/") and area not in BELOW]


@pytest.mark.parametrize("area", AREAS, ids=[area.split("/")[1] for area in AREAS])
def test_the_standalone_driver_answers_as_native(area: str, native: Driver, standalone: Driver) -> None:
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(driver.answers, area) for driver in (native, standalone)]
        expected, found = (each.result() for each in asked)
    for claim, answer in expected.items():
        assert answer.failure is None, f"{claim}: native fails: {answer.failure}"
        assert found[claim].failure is None, f"{claim}: only the standalone driver fails: {found[claim].failure}"
        different = observed(answer.observations, found[claim].observations)
        assert not different, f"{claim}: {len(different)} differences\n" + "\n".join(different[:10])


def test_the_driver_under_test_is_ours_and_a_package_with_a_lib_has_none(native: Driver, standalone: Driver) -> None:
    lib = sorted(file.name for file in (standalone.package / "lib").iterdir())
    assert lib == ["database.js", "index.js", "sqlite-error.js"]
    assert (standalone.package / "wasmfix" / "standalone" / "database.js").is_file()
    assert not (native.package / "wasmfix").exists()
