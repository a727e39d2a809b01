"""Limits: a text that asks for more than any machine has is told so, early, at its place, within little memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from big_specs import big_spec
from study_texts import check

from retdsl import compiler
from retdsl.check.scope import MAX_FILES
from retdsl.cli import main
from retdsl.diagnostics import Diagnostics
from retdsl.diagnostics.render import render_text
from retdsl.syntax.parser import MAX_SIZE

ROOT = Path(__file__).resolve().parents[2]

MEMORY = 400 * 2**20
"""Bytes that a check may use on top of what Python and this test's texts take."""
SECONDS = 60
"""Of processor time; the slowest text below takes a few."""

DATA = "data eyes { source = csv('l', patient = p) classes = [a, b] image = photo => resize(8, 8) }".replace("'", '"')


def chained(count: int, first: str, rest: str) -> str:
    """`first`, then `rest` for each number, `{i}` and `{j}` being the number and the one before it."""
    return "\n".join([first, *(rest.replace("{i}", str(i)).replace("{j}", str(i - 1)) for i in range(1, count))])


HUGE = {
    "blocks that double": (
        chained(60, "block b0() = Dropout", "block b{i}() = b{j} => b{j}") + "\nmodel m = input(3, 8, 8) => b59",
        {"R405"},
    ),
    "a thousand models of blocks that double": (
        chained(60, "block b0() = identity", "block b{i}() = b{j} => b{j}")
        + chained(1000, "", "model m{i} = input(3, 8, 8) => b59"),
        {"R405"},
    ),
    "nested repeats": ("model m = input(3, 8, 8) => " + "repeat(1000) {" * 30 + "identity" + "}" * 30, {"R405"}),
    "a repeat beyond all counting": ("model m = input(3, 8, 8) => repeat(1000000000) { identity }", {"R304"}),
    "large networks, many models, many experiments": (
        DATA
        + "\nblock big() = repeat(1000) { repeat(19) { Dropout } }\nbackbone b = big(weights = 'w.params')\n".replace(
            "'", '"'
        )
        + chained(51, "", "model m{i} = b => Flatten => FullyConnected(2) => Softmax")
        + "".join(
            chained(51, "", f"train t{k}_{{i}} {{ model = m{k} data = eyes freeze = b metrics = [auc] }}")
            for k in range(1, 51)
        ),
        {"R405", "R801"},
    ),
    "names that double": (
        chained(60, "block b0(n) = Dropout(name = n)", 'block b{i}(n) = b{j}("{n}{n}")')
        + '\nmodel m = input(3, 8, 8) => b59("a")',
        {"R107"},
    ),
    "lists that double": (
        chained(60, "block b0(n) = Dropout(p = n)", "block b{i}(n) = b{j}([n, n])")
        + "\nmodel m = input(3, 8, 8) => b59(1)",
        {"R303"},
    ),
    "a product that grows": ("block b(n) = Dropout(2" + " * 2" * 300_000 + ")", {"R307"}),
    "a long number": (f"train t {{ seed = {'9' * 1_500_000} }}", {"R301", "R307"}),
    "a long decimal number": (f"block b(n) = Dropout(0.{'1' * 1_500_000})", set()),
    "a long name": (f"model {'a' * 1_500_000} = b", {"R201"}),
    "a long name that nothing expects": (f"model m = {'a' * 700_000} {'b' * 700_000}", {"R102"}),
    "a long text": (f'model m = F("{"a" * 1_500_000}")', {"R205"}),
    "a text full of braces": ('model m = F("' + "{n}" * 400_000 + '")', {"R205"}),
    "a long list": ("data d { classes = [" + "c, " * 400_000 + "] }", {"R301"}),
    "many parameters": ("block b(" + ", ".join(f"p{i}" for i in range(100_000)) + ") = Flatten", {"R107"}),
    "experiments from experiments": (
        chained(20_000, "train t0 { }", "train t{i} from t{j} { seed = {i} }"),
        {"R105", "R301"},
    ),
    "models from models": (
        chained(20_000, "model m0 = input(3, 8, 8)", "model m{i} = m{j} => Flatten"),
        {"R105", "R405"},
    ),
    "a circle of models": (chained(20_000, "model m0 = m19999", "model m{i} = m{j}"), {"R105", "R203", "R405"}),
    "brackets": ("model m = " + "(" * 1_500_000, {"R105"}),
    "unknown names": (chained(20_000, "", "model m{i} = nothing{i} => Flatten"), {"R201"}),
    "unknown layers": (chained(20_000, "", "model m{i} = input(3, 8, 8) => Flaten{i}"), {"R205"}),
    "unknown keys": ("train t {" + chained(40_000, "", " epoks{i} = 1") + "}", {"R302"}),
    "broken declarations": (chained(20_000, "", "model m{i} = a => => b"), {"R102"}),
    "a mistake in an experiment that thousands descend from": (
        chained(10_000, "train t0 { epoks = 3 optimizer = sdg }", "train t{i} from t0 { seed = {i} }"),
        {"R205", "R301", "R302"},
    ),
    "forty thousand lines": (big_spec(40_000), set()),
    "forty thousand lines with mistakes": (
        big_spec(40_000, mistakes=True),
        {"R101", "R102", "R201", "R205", "R301", "R302", "R303", "R305", "R401", "R403", "R604"},
    ),
}

EXAMINE = """
    import json, resource, sys, tracemalloc
    from pathlib import Path
    from retdsl.check import check_source
    from retdsl.source import Source

    text = sys.stdin.read()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    checked = check_source(Source("huge.retina", text), Path())
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps([used * 1024, sorted({item.code for item in checked.diagnostics})]))
"""


def in_a_process(text: str) -> tuple[int, set[str]]:
    """The most memory that a check has used, in bytes, and the codes of its messages. Stopped where it runs away."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    command = [sys.executable, "-c", textwrap.dedent(EXAMINE)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, env=environment, preexec_fn=limit, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    import json

    used, codes = json.loads(done.stdout)
    return used, set(codes)


@pytest.mark.parametrize("name", HUGE)
def test_what_asks_for_too_much_is_told_within_little_memory(name: str) -> None:
    text, codes = HUGE[name]
    assert len(text) <= MAX_SIZE
    used, found = in_a_process(text)
    assert found == codes
    assert used < MEMORY


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.retina"
    with path.open("wb") as file:
        file.truncate(2**30)
    assert main(["check", str(path)]) == 1
    assert "error[R107]: large.retina has more than 2,000,000 bytes" in capsys.readouterr().err


def test_files_that_are_used_count_together(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.retina").write_text("#" * (MAX_SIZE // 2 - 100))
    spec = tmp_path / "study.retina"
    spec.write_text('use "a.retina"\nuse "b.retina"\nuse "c.retina"\n')
    [item] = said(spec)
    assert (item.code, item.labels[0].span.text) == ("R107", '"c.retina"')


def test_files_may_use_one_another_in_every_way_but_in_circles(tmp_path: Path) -> None:
    names = [f"f{i}.retina" for i in range(60)]
    for i, name in enumerate(names):
        uses = [f'use "{other}"\n' for other in names[i + 1 :]]
        (tmp_path / name).write_text("".join(uses[:1] if i else uses) + f"block b{i}() = Flatten\n")
    items = said(tmp_path / names[0])
    assert {item.code for item in items} == {"R105"}, render_text(items)
    for i, name in enumerate(names):
        (tmp_path / name).write_text("".join(f'use "{other}"\n' for other in names[i + 1 : i + 3]))
    items = said(tmp_path / names[30])
    assert items == [], render_text(items)


def test_there_is_an_end_to_the_files_that_are_used(tmp_path: Path) -> None:
    for i in range(MAX_FILES + 1):
        (tmp_path / f"f{i}.retina").write_text(f"block b{i}() = Flatten\n")
    spec = tmp_path / "study.retina"
    spec.write_text("".join(f'use "f{i}.retina"\n' for i in range(MAX_FILES + 1)))
    [item] = said(spec)
    assert (item.code, item.labels[0].span.text) == ("R107", f'"f{MAX_FILES}.retina"')


@pytest.mark.parametrize("name", ["pipe", "folder", "loop", "device", "long" * 2000, "long/" * 2000, "nu\0l", "", "."])
def test_whatever_is_named_is_told_and_never_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    Path("device").symlink_to("/dev/zero")
    assert main(["check", name]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error[R10"), err
    Path("study.retina").write_text(f'use "{name}"\n', "utf-8")
    assert main(["check", "study.retina"]) == 1
    assert capsys.readouterr().err.startswith("error[R")


def test_thousands_of_messages_are_not_all_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.retina"
    path.write_text("".join(f"model m{i} = nothing{i} => Flatten\n" for i in range(1000)))
    assert main(["check", str(path)]) == 1
    err = capsys.readouterr().err
    assert err.count("error[") == 100
    assert "... and 900 more, which `--format json` lists" in err
    assert "1000 errors" in err


def test_texts_of_messages_are_cut() -> None:
    shown = render_text(check(f"model {'a' * 100_000} = {'b' * 100_000}").diagnostics)
    assert 0 < len(shown) < 3000


def said(spec: Path) -> list[object]:
    """All messages about a spec file."""
    out = Diagnostics()
    found = compiler.read(str(spec), None, out)
    return list(out) if found is None else list(compiler.check(found).diagnostics)
