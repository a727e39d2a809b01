"""Arbitrary diagnostics over arbitrary texts, with spans that need not even lie in them."""

from __future__ import annotations

from hypothesis import strategies as st

from retdsl.diagnostics import CATALOGUE, Diagnostics, Label
from retdsl.source import Source, Span

AWKWARD = "\t\r\n \x00\x1b\x7f\x85\u2028\u200b\u200d\u202e\ufeff\ud800e\u0301世😀=>`[]"
texts = st.text(st.one_of(st.characters(), st.sampled_from(AWKWARD)), max_size=60)
messages = st.text(max_size=40)


@st.composite
def some_diagnostics(draw: st.DrawFn) -> Diagnostics:
    """Up to four messages over up to two sources."""
    sources = [Source(draw(messages), draw(texts) * draw(st.sampled_from((1, 20)))) for _ in range(2)]

    def label() -> Label:
        source = draw(st.sampled_from(sources))
        offsets = st.integers(-2, len(source.text) + 2)
        return Label(Span(source, draw(offsets), draw(offsets)), draw(messages))

    diagnostics = Diagnostics()
    for _ in range(draw(st.integers(0, 4))):
        diagnostics.report(
            draw(st.sampled_from(sorted(CATALOGUE))),
            draw(messages),
            *(label() for _ in range(draw(st.integers(0, 4)))),
            notes=draw(st.lists(messages, max_size=2)),
            helps=draw(st.lists(messages, max_size=2)),
        )
    return diagnostics
