"""The project: what is installed, in what state, and what its processes are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from wasmfix.diagnostics.checks.project_environment import CHECKS as ENVIRONMENT
from wasmfix.diagnostics.checks.project_packages import CHECKS as PACKAGES
from wasmfix.diagnostics.checks.project_state import CHECKS as STATE
from wasmfix.diagnostics.checks.project_subject import ProjectSubject
from wasmfix.diagnostics.checks.project_zero import CHECKS as ZERO
from wasmfix.diagnostics.checks.project_zero import installed_zeros
from wasmfix.diagnostics.machine import this_machine
from wasmfix.diagnostics.options import Options
from wasmfix.diagnostics.run import Section, Tell
from wasmfix.errors import WasmfixError
from wasmfix.patching.assess import Assessment, assess
from wasmfix.patching.catalogue import load_catalogue
from wasmfix.patching.sources import current_inputs
from wasmfix.patching.transaction import locked
from wasmfix.project import Project

_BEDROCK = "bedrock-sqlite"


def sections(options: Options) -> Iterable[Section[ProjectSubject]]:
    project = options.project
    if project is None:
        return

    @contextmanager
    def open_project(tell: Tell) -> Iterator[ProjectSubject]:
        yield _look_at(project, options, tell)

    yield Section("project", "the project", open_project, (*PACKAGES, *STATE, *ZERO, *ENVIRONMENT))


def _look_at(project: Project, options: Options, tell: Tell) -> ProjectSubject:
    installation, assessments, problems = options.installation, list[Assessment](), list[WasmfixError]()
    repairs: dict[Path, Assessment] = {}
    catalogue, inputs = load_catalogue(), current_inputs("")
    for package in installation.packages if installation else ():
        tell(f"looking at {package.label}")
        # Not in the middle of another run's changes.
        try:
            with locked(package.folder):
                orez = bool(installation and installation.orez)
                assessments.append(assess(package, catalogue, inputs, orez=orez))
                if package.name == _BEDROCK:
                    repairs[package.folder] = assess(package, catalogue, replace(inputs, engine="shim"), orez=orez)
        except WasmfixError as error:
            problems.append(error)
    try:
        zeros = installed_zeros(project)
    except WasmfixError as error:
        zeros = ()
        problems.append(error)
    return ProjectSubject(
        options=options,
        project=project,
        installation=installation,
        assessments=tuple(assessments),
        repairs=repairs,
        problems=tuple(problems),
        zeros=zeros,
        machine=this_machine(),
    )
