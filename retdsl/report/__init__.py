"""`report.html`: a run told on one page, for those who would use its network and for those who would run it again."""
