"""Every layout that package managers make: installed by the manager itself, patched, asked, restored.

The results are the table of docs/layouts.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

import managers
from commands.conftest import Ran
from conftest import ROOT, copy_tree, installed
from layouts.conftest import BETTER, ZERO, Ask, Installed, contents, stored_files, wasmfix, write_json
from managers import BUN_CACHE, CACHES, PNPM_STORE, Manager, NotHereError
from matrix_table import MatrixTable
from trees import snapshot

Make = Callable[[Manager, Path], Installed]

VERSIONS = {ZERO: "1.1.4"}
MEMBERS = {"a": (ZERO, "1.1.4"), "b": (ZERO, "1.0.15"), "c": (BETTER, "12.11.1")}


def one(
    folder: Path, manager: Manager, *arguments: str, node: tuple[str, ...] = (), store: Path | None = None
) -> Installed:
    """A project with one dependency."""
    write_json(folder / "package.json", {"name": "app", "private": True, "dependencies": VERSIONS})
    manager.install(folder, *arguments)
    return Installed(folder, (Ask(folder, options=node),), store)


def workspace(folder: Path, manager: Manager, *arguments: str, store: Path | None = None) -> Installed:
    """A monorepo whose members need three packages, two of them versions of the same."""
    write_json(folder / "package.json", {"name": "root", "private": True, "workspaces": ["packages/*"]})
    for member, (name, version) in MEMBERS.items():
        manifest = {"name": member, "version": "1.0.0", "private": True, "dependencies": {name: version}}
        write_json(folder / "packages" / member / "package.json", manifest)
    manager.install(folder, *arguments)
    asks = tuple(Ask(folder / "packages" / member, *package) for member, package in MEMBERS.items())
    return Installed(folder, asks, store)


def settings(folder: Path, name: str, *lines: str) -> Path:
    """A folder with the manager's settings in it, and the file that tells Yarn 4 that a project begins here."""
    folder.mkdir()
    (folder / name).write_text("".join(f"{line}\n" for line in lines))
    if name == ".yarnrc.yml":
        (folder / "yarn.lock").touch()
    return folder


def yarn_linker(folder: Path, *lines: str) -> Path:
    return settings(folder, ".yarnrc.yml", *lines)


def npm_flat(manager: Manager, folder: Path) -> Installed:
    return one(folder, manager)


def npm_linked(manager: Manager, folder: Path) -> Installed:
    return one(folder, manager, "--install-strategy=linked")


def npm_workspaces(manager: Manager, folder: Path) -> Installed:
    return workspace(folder, manager)


def npm_file(manager: Manager, folder: Path) -> Installed:
    """A dependency that lies in the project, reached by a link."""
    vendored = one(folder / "vendor", manager).project / "node_modules" / ZERO
    manifest = {"name": "app", "private": True, "dependencies": {ZERO: f"file:{vendored.relative_to(folder)}"}}
    write_json(folder / "package.json", manifest)
    manager.install(folder)
    assert (folder / "node_modules" / ZERO).is_symlink()
    return Installed(folder, (Ask(folder),))


def pnpm_isolated(manager: Manager, folder: Path) -> Installed:
    """pnpm copies a package that has an install script, and links any other."""
    return one(folder, manager, store=PNPM_STORE)


def pnpm_hoisted(manager: Manager, folder: Path) -> Installed:
    return one(settings(folder, ".npmrc", "node-linker=hoisted"), manager, store=PNPM_STORE)


def pnpm_workspaces(manager: Manager, folder: Path) -> Installed:
    settings(folder, "pnpm-workspace.yaml", "packages:", "  - packages/*")
    return workspace(folder, manager, store=PNPM_STORE)


def pnpm_hoisted_workspaces(manager: Manager, folder: Path) -> Installed:
    settings(folder, "pnpm-workspace.yaml", "packages:", "  - packages/*", "nodeLinker: hoisted")
    return workspace(folder, manager, store=PNPM_STORE)


def yarn_classic(manager: Manager, folder: Path) -> Installed:
    return one(folder, manager)


def yarn_classic_workspaces(manager: Manager, folder: Path) -> Installed:
    return workspace(folder, manager)


def yarn_modules(manager: Manager, folder: Path) -> Installed:
    return one(yarn_linker(folder, "nodeLinker: node-modules"), manager)


def yarn_modules_linked(manager: Manager, folder: Path) -> Installed:
    lines = ("nodeLinker: node-modules", "nmMode: hardlinks-global")
    return one(yarn_linker(folder, *lines), manager, store=CACHES / "yarn-4")


def yarn_pnpm(manager: Manager, folder: Path) -> Installed:
    return one(yarn_linker(folder, "nodeLinker: pnpm"), manager, store=CACHES / "yarn-4")


def yarn_workspaces(manager: Manager, folder: Path) -> Installed:
    return workspace(yarn_linker(folder, "nodeLinker: node-modules"), manager)


def yarn_pnp(manager: Manager, folder: Path) -> Installed:
    """Yarn itself unplugs a package with C files in it."""
    return one(yarn_linker(folder, "nodeLinker: pnp"), manager, node=("--require", "./.pnp.cjs"))


def bun_hoisted(manager: Manager, folder: Path) -> Installed:
    return one(folder, manager, "--linker=hoisted", store=BUN_CACHE)


def bun_isolated(manager: Manager, folder: Path) -> Installed:
    return one(folder, manager, "--linker=isolated", store=BUN_CACHE)


def bun_workspaces(manager: Manager, folder: Path) -> Installed:
    return workspace(folder, manager, "--linker=hoisted", store=BUN_CACHE)


def bun_isolated_workspaces(manager: Manager, folder: Path) -> Installed:
    return workspace(folder, manager, "--linker=isolated", store=BUN_CACHE)


# What is patched where it is. True: also part of `make test`.
PLAIN: dict[str, tuple[Callable[[], Manager], Make, bool]] = {
    "npm": (managers.npm, npm_flat, False),
    "npm, `install-strategy=linked`": (managers.npm, npm_linked, False),
    "npm, workspaces": (managers.npm, npm_workspaces, True),
    "npm, `file:` inside of the project": (managers.npm, npm_file, False),
    "pnpm": (managers.pnpm, pnpm_isolated, False),
    "pnpm, `node-linker=hoisted`": (managers.pnpm, pnpm_hoisted, False),
    "pnpm, workspaces": (managers.pnpm, pnpm_workspaces, True),
    "pnpm, workspaces, hoisted": (managers.pnpm, pnpm_hoisted_workspaces, False),
    "Yarn classic": (managers.yarn_classic, yarn_classic, False),
    "Yarn classic, workspaces": (managers.yarn_classic, yarn_classic_workspaces, True),
    "Yarn, `nodeLinker: node-modules`": (managers.yarn, yarn_modules, False),
    "Yarn, `nmMode: hardlinks-global`": (managers.yarn, yarn_modules_linked, False),
    "Yarn, `nodeLinker: pnpm`": (managers.yarn, yarn_pnpm, False),
    "Yarn, workspaces": (managers.yarn, yarn_workspaces, False),
    "Yarn Plug'n'Play, unplugged": (managers.yarn, yarn_pnp, True),
    'bun, `linker = "hoisted"`': (managers.bun, bun_hoisted, False),
    'bun, `linker = "isolated"`': (managers.bun, bun_isolated, False),
    "bun, workspaces": (managers.bun, bun_workspaces, False),
    "bun, workspaces, isolated": (managers.bun, bun_isolated_workspaces, True),
}


def outside_copy(folder: Path) -> Path:
    """zero-sqlite3 as a project of its own would have it: a checkout, with what it needs beside it."""
    where = copy_tree(installed(ZERO, "1.1.4") / "node_modules", folder / "node_modules") / ZERO
    checkout = folder / "zero-sqlite3"
    where.rename(checkout)
    return checkout


def depends(folder: Path, manager: Manager, spec: str, *arguments: str) -> Installed:
    """A project whose dependency is said in another way than by a version."""
    manifest = {"name": "app", "private": True, "dependencies": {ZERO: spec}}
    write_json(folder / "package.json", manifest)
    manager.install(folder, *arguments)
    return Installed(folder, (Ask(folder),))


def npm_link(manager: Manager, folder: Path) -> Installed:
    checkout = outside_copy(folder.parent / "outside")
    write_json(folder / "package.json", {"name": "app", "private": True})
    (folder.parent / "global" / "lib").mkdir(parents=True)
    with_prefix = replace(manager, environment={"npm_config_prefix": str(folder.parent / "global")})
    with_prefix.run(folder, "link", str(checkout), *manager.options)
    return Installed(folder, (Ask(folder),))


def npm_file_outside(manager: Manager, folder: Path) -> Installed:
    outside_copy(folder.parent / "outside")
    return depends(folder, manager, "file:../outside/zero-sqlite3")


def pnpm_link(manager: Manager, folder: Path) -> Installed:
    outside_copy(folder.parent / "outside")
    return depends(folder, manager, "link:../outside/zero-sqlite3")


def pnpm_global(manager: Manager, folder: Path) -> Installed:
    settings(folder, "pnpm-workspace.yaml", "enableGlobalVirtualStore: true")
    # A store of its own: other tests shall not find what this one patches. And in CI pnpm would do without.
    store = folder.parent / "outside"
    options = tuple(option for option in manager.options if not option.startswith("--store-dir"))
    return one(folder, replace(manager, options=(*options, f"--store-dir={store}"), environment={"CI": "false"}))


def yarn_classic_link(manager: Manager, folder: Path) -> Installed:
    outside_copy(folder.parent / "outside")
    return depends(folder, manager, "link:../outside/zero-sqlite3")


def yarn_portal(manager: Manager, folder: Path) -> Installed:
    outside_copy(folder.parent / "outside")
    yarn_linker(folder, "nodeLinker: node-modules")
    return depends(folder, manager, "portal:../outside/zero-sqlite3")


def yarn_pnp_link(manager: Manager, folder: Path) -> Installed:
    outside_copy(folder.parent / "outside")
    yarn_linker(folder, "nodeLinker: pnp", "pnpFallbackMode: all")
    made = depends(folder, manager, "portal:../outside/zero-sqlite3")
    return Installed(folder, tuple(replace(ask, options=("--require", "./.pnp.cjs")) for ask in made.asks))


def bun_link(manager: Manager, folder: Path) -> Installed:
    outside_copy(folder.parent / "outside")
    return depends(folder, manager, "link:../outside/zero-sqlite3")


def by_node_path(manager: Manager, folder: Path) -> Installed:
    outside = one(folder.parent / "outside", manager).project
    write_json(folder / "package.json", {"name": "app", "private": True})
    variables = {"NODE_PATH": str(outside / "node_modules")}
    return Installed(folder, (Ask(folder, environment=variables),))


def above(manager: Manager, folder: Path) -> Installed:
    outside = one(folder.parent / "outside", manager).project
    project = outside / "apps" / "app"
    write_json(project / "package.json", {"name": "app", "private": True})
    return Installed(project, (Ask(project),))


OUTSIDE: dict[str, tuple[Callable[[], Manager], Make, bool]] = {
    "npm, `npm link`": (managers.npm, npm_link, True),
    "npm, `file:` outside of the project": (managers.npm, npm_file_outside, False),
    "pnpm, `link:`": (managers.pnpm, pnpm_link, False),
    "pnpm, `enableGlobalVirtualStore`": (managers.pnpm, pnpm_global, False),
    "Yarn classic, `link:`": (managers.yarn_classic, yarn_classic_link, False),
    "Yarn, `portal:`": (managers.yarn, yarn_portal, False),
    "a folder of `NODE_PATH`": (managers.npm, by_node_path, True),
    "a `node_modules` above the project": (managers.npm, above, False),
}
PNP_ZIP = "Yarn Plug'n'Play, in a zip"

TABLE = MatrixTable(
    ROOT / "docs" / "layouts.md",
    "layouts",
    ("layout", "installed by", "`wasmfix patch`", "answers", "`wasmfix restore`", "the manager's store or cache"),
    (*PLAIN, PNP_ZIP, *OUTSIDE),
)


def manager_for(key: str, manager: Callable[[], Manager]) -> Manager:
    try:
        return manager()
    except NotHereError as missing:
        TABLE.not_run(key, str(missing))
        raise


def parameters(layouts: dict[str, tuple[Callable[[], Manager], Make, bool]]) -> list[ParameterSet]:
    return [
        pytest.param(key, marks=pytest.mark.table if quick else pytest.mark.matrix, id=key)
        for key, (_manager, _make, quick) in layouts.items()
    ]


def store_cell(linked: list[Path]) -> str:
    return "hard links to it, untouched" if linked else "no links to it"


def record(key: str, manager: Manager, patched: str, store: str) -> None:
    cells = (manager.label, patched, "from WebAssembly", "every byte", store)
    TABLE.record(key, dict(zip(TABLE.columns[1:], cells, strict=True)))


def round_trip(made: Installed) -> tuple[str, str]:
    """Patch, ask, look at the store, restore; what the table says of the patch and of the store."""
    project = made.project
    found = [Path(each["folder"]) for each in wasmfix("status", project, "--json").json["packages"]]
    assert len(found) == made.packages
    kept = stored_files(made.store, found) if made.store else []
    stored = contents(kept)
    before = snapshot(project, times=True, links=True)

    ran = wasmfix("patch", project, "--no-verify", "--json")
    assert ran.code == 0, ran.err
    assert {Path(each["folder"]): each["result"] for each in ran.json["packages"]} == dict.fromkeys(found, "patched")
    made.assert_on_webassembly()
    assert wasmfix("patch", project, "--check").code == 0
    assert contents(kept) == stored

    ran = wasmfix("restore", project)
    assert ran.code == 0, ran.err
    assert snapshot(project, times=True, links=True) == before
    assert contents(kept) == stored
    return f"patches {len(found)} copies" if len(found) > 1 else "patches it", store_cell(kept)


@pytest.mark.parametrize("key", parameters(PLAIN))
def test_every_copy_is_patched_answers_from_webassembly_and_comes_back(key: str, scratch: Path) -> None:
    manager_of, make, _quick = PLAIN[key]
    manager = manager_for(key, manager_of)
    made = make(manager, scratch.resolve() / "project")
    if made.packages == 1:
        made.asks[0].assert_native()
    record(key, manager, *round_trip(made))


@pytest.mark.matrix
def test_a_zip_of_plug_n_play_is_refused_and_the_command_that_is_named_helps(scratch: Path) -> None:
    manager = manager_for(PNP_ZIP, managers.yarn)
    folder = yarn_linker(scratch.resolve() / "project", "nodeLinker: pnp")
    manifest = {"name": "app", "private": True, "dependencies": VERSIONS}
    # Yarn would unplug it by itself.
    write_json(folder / "package.json", {**manifest, "dependenciesMeta": {ZERO: {"unplugged": False}}})
    manager.install(folder)
    before = snapshot(folder)
    ran = wasmfix("patch", folder)
    assert ran.code == 2
    assert "is packed in a zip by Yarn Plug'n'Play" in ran.err
    words = ran.err.strip().rpartition("run: ")[2].split()
    assert words == ["yarn", "unplug", ZERO]
    assert snapshot(folder) == before

    manager.run(folder, *words[1:])
    made = Installed(folder, (Ask(folder, options=("--require", "./.pnp.cjs")),))
    made.asks[0].assert_native()
    _patched, store = round_trip(made)
    record(PNP_ZIP, manager, f"refuses; patches it after `yarn unplug {ZERO}`", store)


@pytest.mark.parametrize("key", parameters(OUTSIDE))
def test_a_copy_outside_of_the_project_is_patched_only_with_follow_links_and_where_it_is(
    key: str, scratch: Path
) -> None:
    manager_of, make, _quick = OUTSIDE[key]
    manager = manager_for(key, manager_of)
    made = make(manager, scratch.resolve() / "project")
    (ask,) = made.asks
    ask.assert_native()
    kept = stored_files(made.store, [scratch]) if made.store else []
    stored = contents(kept)
    project, everything = made.project, scratch.resolve()
    before = snapshot(everything, times=True, links=True)

    def run(*arguments: str) -> Ran:
        return wasmfix(arguments[0], project, *arguments[1:], variables=ask.environment)

    refused = run("patch", "--no-verify")
    assert refused.code == 2
    assert "lies outside the project, reached by " in refused.err
    assert "--follow-links" in refused.err
    assert snapshot(everything, times=True, links=True) == before

    ran = run("patch", "--no-verify", "--follow-links")
    assert ran.code == 0, ran.err
    (where,) = [each["folder"] for each in run("status", "--json").json["packages"]]
    assert not Path(where).is_relative_to(project)
    assert f"it is outside the project, and patched for all who use it: {where}" in ran.out
    ask.assert_on_webassembly()
    assert contents(kept) == stored
    again = run("patch", "--no-verify")
    assert (again.code, again.err) == (0, "")
    assert "already patched" in again.out

    refused = run("restore")
    assert refused.code == 2
    assert "--follow-links" in refused.err
    ask.assert_on_webassembly()
    assert run("restore", "--follow-links").code == 0
    assert snapshot(everything, times=True, links=True) == before
    record(key, manager, "refuses; patches it with `--follow-links`", store_cell(kept))


def test_the_table_has_a_row_for_every_layout() -> None:
    TABLE.assert_complete()
