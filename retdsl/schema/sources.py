"""Where photographs and labels come from."""

from __future__ import annotations

from typing import cast

from retdsl.ir import Call
from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import (
    Boolean,
    Choice,
    Integer,
    Many,
    Name,
    OneOf,
    Policy,
    RatioOf,
    Rule,
    optional,
)

ENCODINGS = (
    "utf-8",
    "utf-16",
    "latin-1",
    "cp1250",
    "cp1251",
    "cp1252",
    "mac-roman",
    "shift_jis",
    "gb18030",
    "big5",
    "euc-kr",
)
"""What tables of text may be written in, as Python calls it."""

SOURCE = OneOf((Policy("data source"), Many(Policy("data source"), least=1)))
"""One source, or several that are joined."""

JOINED = "joined"
"""What a checked program calls several sources; a spec writes them as a list."""

GRADE = OneOf((Name("a column"), Rule(), Many(Rule(), least=1)))
"""How columns tell one class: one column, or rules of which the first that matches gives the class."""

LABEL = OneOf((*GRADE.types, Policy("labelling")))
"""How columns tell what a photograph shows."""

FINDINGS = "findings"

LABELLINGS = (
    Entry(
        FINDINGS,
        "labelling",
        "Several findings at once, a column of 0 and 1 for each.",
        (
            Option(
                "columns",
                Many(Name("a column"), least=1),
                REQUIRED,
                "One for each class, or for each but the first: then the first has the photographs without a finding.",
            ),
        ),
        ("columns",),
        ("multi_label", "multilabel"),
    ),
)

CONSENSUSES = (
    Entry(
        "consensus",
        "agreement of graders",
        "One label of what several graders say of the same photograph.",
        (
            Option("graders", Many(GRADE, least=2), REQUIRED, "For each grader a column, or rules on columns."),
            Option(
                "method",
                Choice(("majority", "dawid_skene")),
                "majority",
                "Counts votes, or weighs them by how reliable each grader turns out to be.",
            ),
            Option("soft", Boolean(), False, "Trains on shares of votes, or posteriors, not only on one class."),
            Option(
                "ties",
                Choice(("highest", "refuse")),
                "highest",
                "Takes the last class of those that are equally likely, or tells the rows.",
            ),
        ),
        ("graders",),
        ("vote", "majority", "adjudication"),
        "Dawid and Skene 1979, Applied Statistics 28(1)",
    ),
)

TABLES = frozenset({"csv"})
"""Sources that have columns."""

SOURCES = (
    Entry(
        "csv",
        "data source",
        "Tables with a row per photograph: text, with comma, semicolon or tab between columns, or Parquet.",
        (
            Option(
                "path",
                Name("a file name", quoted=True),
                REQUIRED,
                "The table, or a pattern for several, as `sites/*.csv`; relative to the spec's folder or `--root`.",
            ),
            Option("image", Name("a column"), "image", "Column with the photograph's path."),
            Option("label", LABEL, "label", "Column with its class, or how columns tell it."),
            Option("patient", optional(Name("a column")), None, "Column that tells patients apart."),
            Option("encoding", Choice(ENCODINGS), "utf-8", "What a table of text is written in."),
        ),
        ("path",),
        ("table", "tsv"),
    ),
    Entry(
        "folder",
        "data source",
        "A folder with one folder of photographs per class.",
        (
            Option(
                "path",
                Name("a folder name", quoted=True),
                REQUIRED,
                "The folder, or a pattern for several, as `sites/*`; relative to the spec's folder or `--root`.",
            ),
            Option(
                "patient",
                optional(Name("a regular expression", quoted=True)),
                None,
                "Regular expression on the file name whose first group is the patient.",
            ),
        ),
        ("path",),
        ("directory", "dir", "image_folder"),
    ),
    Entry(
        "recordio",
        "data source",
        "Photographs packed into one file, as MXNet's im2rec and `retdsl data pack` write them.",
        (
            Option(
                "path",
                Name("a file name", quoted=True),
                REQUIRED,
                "The file of records (.rec); relative to the spec's folder or `--root`.",
            ),
            Option(
                "patient",
                optional(Name("a regular expression", quoted=True)),
                None,
                "Regular expression on the path in the list (.lst) whose first group is the patient; or `id2`.",
            ),
        ),
        ("path",),
        ("ImageRecordIter", "im2rec"),
    ),
    Entry(
        "synthetic_fundus",
        "data source",
        "Painted fundus photographs, two eyes a patient; infected eyes have lesions, some photographs are blurred.",
        (
            Option("n", Integer(12, 1_000_000), REQUIRED, "Number of photographs."),
            Option("ratio", RatioOf(), (200, 3), "Healthy to infected photographs."),
            Option("seed", Integer(0), 0, "Another seed paints other patients."),
            Option("size", Integer(64, 1024), 256, "Height and width in pixels."),
        ),
        ("n",),
        ("synthetic",),
    ),
)


def sources_of(source: Call) -> tuple[Call, ...]:
    """The sources that a data block names, one or more."""
    return cast("tuple[Call, ...]", source["sources"]) if source.name == JOINED else (source,)
