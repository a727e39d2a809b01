"""What is wrong with a collection of photographs: measured, judged, written as a table and as a page.

Enters: the plan of a data block. Leaves: `audit.csv`, which `exclude = audit(...)` reads, and `audit.html`.
"""
