"""Finished runs asked and compared: their figures on photographs, their answers, and what sets them apart.

`members` knows what a run folder, or an ensemble of several, consists of; `asking` runs their programs; `evaluating`
makes figures of the answers to labelled photographs, `predicting` answers others, by one of the `rules`; `pairs` puts
answers of several runs beside each other; `paired` and `delong` say whether they differ; `comparing` does it all.
"""
