"""The page in a browser, if there is one: nothing is complained of, nothing asked for, and a phone shows all of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from made_run import FIGURES, made_run

from retdsl.report.page import write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

ASKED = """
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const style = getComputedStyle(page.body), text = page.querySelector("svg text");
  const wide = [...page.querySelectorAll("body *")].filter(one => !one.closest(".scroll, pre, svg")
    && one.getBoundingClientRect().right > root.clientWidth + 1).map(one => one.outerHTML.slice(0, 80));
  const out = {width: root.scrollWidth, room: root.clientWidth, paper: style.backgroundColor, ink: style.color, wide,
    plots: page.querySelectorAll("svg").length, words: getComputedStyle(text).fill,
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map(one => one.name)
      .filter(name => !name.startsWith("data:")),
    empty: [...page.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().height < 100).length};
  document.body.append(Object.assign(document.createElement("output"), {textContent: JSON.stringify(out)}));
};
frame.srcdoc = PAGE;
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "classes", [("healthy", "infected"), tuple(f"a_rather_long_grade_{n}" for n in range(6))], ids=len
)
def test_on_a_phone(tmp_path: Path, classes: tuple[str, ...], dark: bool) -> None:
    run = made_run(tmp_path / "run", classes, figures=FIGURES if len(classes) == 2 else {})
    page, _ = write_report(run)
    text = json.dumps(page.read_text("utf-8")).replace("</", "<\\/")
    wrapper = tmp_path / "phone.html"
    frame = '<!doctype html><meta charset="utf-8"><body><iframe width="390" height="800" style="border: 0"></iframe>'
    wrapper.write_text(frame + ASKED.replace("PAGE", text), "utf-8")
    assert BROWSER is not None
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom",
               "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
               "--disable-background-networking", "--disable-component-update", "--no-first-run",
               f"--blink-settings=preferredColorScheme={0 if dark else 1}", wrapper.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    said = re.search(r"<output>(.*?)</output>", done.stdout)
    assert said is not None, done.stdout[-2000:]
    found = json.loads(html.unescape(said[1]))
    assert found["wide"] == []
    assert found["width"] <= found["room"] == 390
    assert found["plots"] >= 6
    assert found["empty"] == 0
    assert found["fetched"] == []
    assert "CONSOLE" not in done.stderr, done.stderr
    paper, ink, words = (sum(map(int, re.findall(r"\d+", found[key])[:3])) for key in ("paper", "ink", "words"))
    assert (paper < 150 < 400 < ink) if dark else (ink < 150 < 600 < paper)
    assert abs(words - paper) > 200
