"""Where photographs and labels come from."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Boolean, Choice, Integer, Many, Name, OneOf, Policy, RatioOf, Rule, optional

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
        "A table with a row per photograph, comma, semicolon or tab between columns.",
        (
            Option(
                "path",
                Name("a file name", quoted=True),
                REQUIRED,
                "The table; relative to the spec's folder or `--root`.",
            ),
            Option("image", Name("a column"), "image", "Column with the photograph's path."),
            Option("label", LABEL, "label", "Column with its class, or how columns tell it."),
            Option("patient", optional(Name("a column")), None, "Column that tells patients apart."),
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
                "The folder; relative to the spec's folder or `--root`.",
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
