"""What people are shown: errors as wide as their terminal, and as they are in a pipe."""

from __future__ import annotations

import pytest

from retdsl.commands.terminal import say_wrapped

ERROR = """error: a name that is long cannot be used
 --> /a/path/that/is/longer/than/the/whole/terminal/and/stays/whole
   - one of several things that are wrong
   = help: torch.save( model.state_dict(), FILE) saves its tensors"""

NARROW = """error: a name that is long
       cannot be used
 --> /a/path/that/is/longer/than/the/whole/terminal/and/stays/whole
   - one of several things
     that are wrong
   = help: torch.save(
           model.state_dict(),
           FILE) saves its
           tensors
"""


def test_errors_are_broken_between_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    say_wrapped(ERROR)
    assert capsys.readouterr().err == f"{ERROR}\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    say_wrapped(ERROR)
    assert capsys.readouterr().err == NARROW
