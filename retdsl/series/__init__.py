"""Several runs of a study: which ones there are, their record, their work one after the other, and what comes of it.

`plan` says which runs a command asks for, `record` is `series.json`, `work` makes the runs and goes on with those that
are left, `ensembles` makes an ensemble of those that are done, and `figures` sums up what all of them have reached.
"""
