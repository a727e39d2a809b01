"""Messages about a spec: their data, the catalogue of codes, did-you-mean, and text and JSON rendering."""

from retdsl.diagnostics.catalogue import CATALOGUE, Code
from retdsl.diagnostics.model import Diagnostic, Diagnostics, Edit, Fix, Label, Severity

__all__ = ["CATALOGUE", "Code", "Diagnostic", "Diagnostics", "Edit", "Fix", "Label", "Severity"]
