"""What it takes to ask a finished run: its program, where its photographs are, and what is not as it was.

Enters: a run. Leaves: whatever the program writes where it was asked to. Guaranteed: a program that fails ends the
command, and what is wrong was said once, by the program.
"""

from __future__ import annotations

from pathlib import Path

from retdsl import __version__
from retdsl.evaluation.members import Finished
from retdsl.finished import RunRecord
from retdsl.running import require_answer, run_program
from retdsl.runtime.run_folder import RunFolder


def ask(train_py: Path, *arguments: str) -> None:
    """Lets the program of a run answer. Raises SystemExit if it fails: it has said why itself."""
    require_answer(run_program(train_py, *arguments))


def root_of(member: RunRecord, given: Path | None) -> Path:
    """Where the paths of a run's data start."""
    return given.resolve() if given is not None else Path(str(member.lock.get("root") or member.path)).resolve()


def remarks(finished: Finished, device: str | None = None) -> list[str]:
    """What is not as it was when the run was made, or not done yet, a line each. device: what answered now."""
    found = []
    for member in finished.members:
        if member.test is None:
            found.append(
                f"{member.path.name} is not finished: this is a network after {len(member.epochs)} of its epochs, and "
                f"no threshold is frozen yet; {RunFolder(member.path).how_to_go_on()}"
            )
        then = str((member.lock.get("versions") or {}).get("retdsl") or "")
        if then and then != __version__:
            found.append(f"{member.path.name} was made by retdsl {then}, this is {__version__}: figures may differ")
        used = str(member.lock.get("device") or "")
        if device is not None and used and used.split("(")[0] != device.split("(")[0]:
            found.append(f"{member.path.name} was trained on {used}, this is {device}: last digits may differ")
    return found
