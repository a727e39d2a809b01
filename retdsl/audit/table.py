"""`audit.csv`: a row for every photograph, as `exclude = audit(...)`, a spreadsheet or another program reads it."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from retdsl.audit.findings import Findings, Judged
from retdsl.runtime.files import write_bytes
from retdsl.runtime.measures import Measures

COLUMNS = (
    "image",
    "patient",
    "label",
    "side",
    "flags",
    "same_as",
    "label_probability",
    "likely_label",
    *Measures._fields,
    "refused",
    "sha256",
)

DIGITS = 16
"""Of the SHA-256 of a photograph: enough to see that it is another one."""


def write_table(findings: Findings, path: Path) -> None:
    """Writes the table, photographs by name. flags stand with blanks between them; a measure that there is none of is
    empty; `origin` is a column only where several sources are joined. Raises RunError.
    """
    joined = any(one.photograph.origin for one in findings.judged)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*COLUMNS, *(["origin"] if joined else [])])
    for one in findings.judged:
        rows.writerow([*_cells(one), *([one.photograph.origin] if joined else [])])
    write_bytes(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _cells(one: Judged) -> list[str]:
    photograph = one.photograph
    measures = [float("nan")] * len(Measures._fields) if photograph.measures is None else photograph.measures
    return [
        photograph.image,
        photograph.patient,
        photograph.label,
        photograph.side,
        " ".join(one.flags),
        one.same_as,
        "" if one.probability is None else f"{one.probability:.4f}",
        one.likely,
        *("" if math.isnan(value) else f"{value:.4f}" for value in measures),
        photograph.refused,
        photograph.sha256[:DIGITS],
    ]
