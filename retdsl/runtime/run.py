"""One experiment from photographs to figures.

Enters: an `Experiment`, the data's root, a run folder. Leaves: the run folder, as `run_folder`, `journal` and
`checkpoint` describe it.
Guaranteed: whatever ends a run, every file in the folder is whole, and each finished epoch is in `metrics.jsonl`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from retdsl.runtime.answers import Answers
from retdsl.runtime.batch_shares import shares_in_words
from retdsl.runtime.best_epoch import BestEpoch, told_parameters
from retdsl.runtime.checkpoint import LOSS, Checkpoints, ranking
from retdsl.runtime.class_weights import class_weights
from retdsl.runtime.dataset import Dataset, require_every_class, require_labels_for, say_divided
from retdsl.runtime.dealing import require_rows_for_all
from retdsl.runtime.devices import contexts
from retdsl.runtime.devices import in_words as devices_in_words
from retdsl.runtime.engines import asked_engine, engines_of
from retdsl.runtime.errors import RunError
from retdsl.runtime.experiment import Experiment
from retdsl.runtime.facts import (
    facts_of_the_cache,
    facts_of_the_data,
    facts_of_the_experiment,
    facts_of_the_machine,
    now,
)
from retdsl.runtime.feature_cache import in_words as in_words_of_features
from retdsl.runtime.feature_feed import Counts, FeatureFeed, feature_rows
from retdsl.runtime.feed import Batches
from retdsl.runtime.figures_table import figures_table
from retdsl.runtime.fitting import Fitting
from retdsl.runtime.frozen_part import FrozenPart
from retdsl.runtime.image_cache import ImageCache
from retdsl.runtime.journal import Clock
from retdsl.runtime.judging import judge
from retdsl.runtime.manifest import manifest
from retdsl.runtime.mean_image import with_mean_image
from retdsl.runtime.metrics import undefined
from retdsl.runtime.mx import mx
from retdsl.runtime.network import require_photographs, require_scores
from retdsl.runtime.prepared import PreparedImages
from retdsl.runtime.progress import Progress, duration, figures_line
from retdsl.runtime.reading import Reading, read_all
from retdsl.runtime.recipe import Recipe, recipe_of
from retdsl.runtime.resuming import require_same_data, require_same_machine, require_same_program, require_states
from retdsl.runtime.run_folder import RunFolder
from retdsl.runtime.same_everywhere import require_same_everywhere
from retdsl.runtime.trainer import Trainer
from retdsl.runtime.unreadable import Unreadable
from retdsl.runtime.workers import Workers


class Run:
    """A run in the making.

    threads: for decoding photographs and making batches; cached: False to leave the user's cache of prepared
    photographs alone; resumed: the record of the run, if it was interrupted and is to go on; inexact: go on even if
    this machine is another one; engine: what was asked for to compute what only predicts.
    """

    def __init__(
        self,
        experiment: Experiment,
        root: Path,
        folder: RunFolder,
        progress: Progress,
        threads: int,
        *,
        cached: bool = True,
        resumed: Mapping[str, Any] | None = None,
        inexact: bool = False,
        engine: str | None = None,
        workers: Workers | None = None,
    ) -> None:
        self._workers = workers or Workers()
        training = experiment.training
        self._experiment = experiment
        self._root = root
        self._folder = folder
        self._progress = progress
        self._threads = threads
        self._cached = cached
        self._resumed = resumed
        self._inexact = inexact
        self._devices = contexts(training.devices)
        asked = self._workers.told(lambda: asked_engine(engine, resumed, exact=not inexact).encode()).decode()
        self._engines = engines_of(experiment, asked, progress.note, folder.write_lock, resumed, self._workers)
        self._skipped = Unreadable(0)
        self._rank = ranking(training.checkpoint, training.metrics)
        first = self._workers.first
        self.checkpoints = Checkpoints(
            folder.checkpoints, experiment.name, training.checkpoint, self._rank, writes=first
        )

    def execute(self) -> None:
        """Trains, keeps the best epoch and measures it on the test images. Raises RunError."""
        clock = Clock()
        differing = self._begin()
        network, training = self._experiment.network, self._experiment.training
        deploy = network.deploy_symbol()
        require_scores(network, deploy, self._experiment.data.classes)
        dataset = self._experiment.data.open(self._root)
        require_labels_for(dataset, exclusive=network.loss.exclusive)
        say_divided(self._experiment.name, dataset, self._progress.note)
        start = network.starting_values(deploy, training.seed, self._experiment.folder, self._root)
        last = with_mean_image(
            self._experiment.data.normalize, network.input_shape, self._experiment.folder, self._root
        )
        reading = self._read(dataset)
        dataset = reading.dataset
        self._require_same_everywhere(reading)
        batches = Batches(self._experiment, dataset, reading.images, last, self._threads, self._workers)
        weights = class_weights(network.loss.weights, dataset.class_counts(dataset.train), dataset.classes)
        self._engines.precision, self._engines.calibration = training.precision, batches.calibration
        recipe = self._recipe(batches, weights)
        trainer = Trainer(network, start, recipe, self._workers, self._engines, self._devices)
        self._require_part_for_precision(trainer.frozen_part)
        self._record(reading, weights)
        self._folder.write_symbols(self._experiment.name, trainer.whole_symbol, deploy.tojson())

        pixels, counts = {index: found.pixels for index, found in reading.looked.items()}, Counts()

        def feed(frozen: FrozenPart) -> FeatureFeed:
            if self._workers.count > 1:
                frozen.settle()
            rows = feature_rows(frozen, last, training.cache, len(dataset.samples), lasts=self._cached)
            return FeatureFeed(frozen, rows, pixels, counts)

        fitting = Fitting(
            self._experiment,
            trainer,
            batches,
            self._folder,
            self.checkpoints,
            self._progress,
            feed,
            clock=clock,
            workers=self._workers,
        )
        if self._resumed is not None:
            at = fitting.recall()
            self._progress.note(f"going on after {at}" if at.batches else "nothing was saved: it begins anew")
            again = {"at": now(), "after": str(at), "differing": differing}
            self._folder.write_lock({"resumed": [*self._resumed.get("resumed", []), again]})
        fitting.run()
        validation, test = self._answer(dataset, batches, trainer, fitting.feed)
        figures = {} if test is None else self._figures(trainer, test, validation)
        self._close(reading, figures, fitting)
        if damaged := reading.images.damaged:
            self._progress.note(f"{damaged} photographs in the cache were damaged, and have been prepared anew")
        for note in fitting.feed.notes():
            self._progress.note(note)

    def _begin(self) -> list[str]:
        """Notes what going on needs first, or compares with it. Returns what is knowingly not as it was."""
        where = devices_in_words(self._devices)
        facts = {**facts_of_the_machine(mx.__version__, where), "workers": self._workers.count}
        if self._resumed is None:
            known = {
                "experiment": self._experiment.name,
                "root": str(self._root),
                "threads": facts["threads"],
                "workers": facts["workers"],
                "engines": dict(self._engines.facts),
            }
            self._folder.write_lock(known)
            return []
        if self._workers.first:  # whose folder it is
            require_same_program(self._resumed, self._experiment, self._folder)
        return require_same_machine(self._resumed, facts, self._folder, inexact=self._inexact)

    def _require_same_everywhere(self, reading: Reading) -> None:
        """Raises RunError if the workers would train different things; notes where they are."""
        if self._workers.count == 1:
            return
        require_rows_for_all(self._experiment.training.batch, self._workers.count)
        dataset = reading.dataset
        files = sha256("".join(sorted(found.sha256 for found in reading.looked.values())).encode())
        hosts = require_same_everywhere(
            self._workers,
            {
                "photographs to train on": len(dataset.train),
                "photographs to validate on": len(dataset.valid),
                "photographs to test on": len(dataset.test),
                "names, labels and sides of photographs": facts_of_the_data(dataset)["split_sha256"][:12],
                "what is in the photographs": files.hexdigest()[:12],
                "the program": facts_of_the_experiment(self._experiment, self._root)["program_sha256"],
                "MXNet": mx.__version__,
            },
        )
        self._folder.write_lock({"servers": self._workers.servers, "hosts": hosts})
        training = self._experiment.training
        if said := shares_in_words(self._experiment.network, training.epochs, self._workers.count, training.batch):
            self._progress.note(said)

    def _recipe(self, batches: Batches, weights: tuple[float, ...] | None) -> Recipe:
        """What the trainer needs to know of the experiment and its data. weights: of the classes."""
        epochs = range(1, self._experiment.training.epochs + 1)
        return recipe_of(
            self._experiment,
            weights,
            [batches.in_epoch(epoch) for epoch in epochs],
            [batches.images_in_epoch(epoch) for epoch in epochs],
            soft=batches.dataset.soft,
            workers=self._workers.count,
        )

    def _require_part_for_precision(self, frozen: FrozenPart) -> None:
        """Raises RunError where a precision is asked for and there is nothing to be computed in it."""
        if self._experiment.training.precision is None or frozen.is_there:
            return
        what = "`precision` is of the frozen part, and no frozen layer comes before all that learn"
        help = "freeze what comes first, or leave `precision` out"
        if "split" not in (self._experiment.passes or ("split",)):
            help = "`--passes` leaves out `split`, which takes the frozen part apart: leave that in"
        raise RunError(what, help=help)

    def _record(self, reading: Reading, weights: tuple[float, ...] | None) -> None:
        """Puts into lock.json what the run is made of; if it goes on, compares that with what it was made of."""
        dataset = reading.dataset
        facts = {
            **facts_of_the_experiment(self._experiment, self._root),
            **self._folder.facts_of_the_spec(),
            **facts_of_the_data(dataset),
            "images": manifest(dataset, {index: found.sha256 for index, found in reading.looked.items()}),
            "leaks": reading.leaks.to_json(),
            "skipped": self._skipped.to_json(),
            "cache": facts_of_the_cache(reading),
            "class_weights": None if weights is None else dict(zip(dataset.classes, weights, strict=True)),
            **facts_of_the_machine(mx.__version__, devices_in_words(self._devices)),
        }
        if self._resumed is not None and self._workers.first:
            require_same_data(self._resumed, facts, self._folder)
            require_states(self._folder)
        if self._resumed is None or "images" not in self._resumed:
            self._folder.write_lock(facts)

    def saved(self) -> str:
        """What of this run can be used if it ends now, in a sentence."""
        latest, found = self.checkpoints.latest, self.checkpoints.best
        if latest is None:
            return "no epoch is saved yet"
        last = f"epoch {latest} is saved in {self.checkpoints.params_path(latest)}"
        return last if found is None or found.epoch == latest else f"{last}, the best one so far is epoch {found.epoch}"

    def _read(self, dataset: Dataset) -> Reading:
        """All photographs prepared, or one error that names all that cannot be."""
        self._prepare_share(dataset)
        reading = read_all(dataset, self._threads, self._progress.reading, cached=self._cached)
        for trouble in reading.images.cache.trouble:
            self._progress.note(trouble)
        reading.require_sound()
        for note in reading.leaks.notes():
            self._progress.note(note)
        self._skipped = reading.skipped
        if reading.skipped:
            self._progress.note(reading.skipped.line())
            require_every_class(reading.dataset)
        require_photographs(self._experiment.network, reading.images[reading.dataset.train[0]].shape)
        return reading

    def _prepare_share(self, dataset: Dataset) -> None:
        """Prepares, of several workers on a machine, this one's share of the photographs, and waits for the others.

        What all have put into the cache, each then finds there.
        """
        if self._workers.count == 1:
            return
        here = self._workers.beside
        if self._cached and here > 1:
            mine = range(self._workers.rank % here, len(dataset.samples), here)
            PreparedImages(dataset, self._threads, ImageCache(dataset.chain, spare=False)).load_all(None, mine)
        self._workers.joined({})

    def _answer(
        self, dataset: Dataset, batches: Batches, trainer: Trainer, feed: FeatureFeed
    ) -> tuple[Answers | None, Answers | None]:
        """What the best epoch, from its file, says of the validation and the test images; the folder has both.

        None for a side without photographs.
        """
        found = self.checkpoints.best
        assert found is not None  # the final epoch at least is saved and ranked
        parameters = told_parameters(self._workers, lambda: self.checkpoints.load(found.epoch))
        best = BestEpoch(
            self._experiment,
            found.epoch,
            parameters,
            trainer,
            batches,
            feed,
            self._engines,
            self._workers,
            self._progress,
        )
        validation = best.answers("validating", dataset.valid) if dataset.valid else None
        if validation is not None:
            self._folder.write_validation(validation)
        if validation is not None and self._experiment.training.precision is not None:
            best.compare_precisions(dataset.valid, validation)
        test = best.answers("testing", dataset.test) if dataset.test else None
        if test is not None:
            self._folder.write_predictions(test)
        return validation, test

    def _figures(self, trainer: Trainer, test: Answers, validation: Answers | None) -> dict[str, float]:
        """The mean loss and the metrics of the answers about the test images."""
        losses = trainer.loss_of(test.probabilities, test.labels)
        return {LOSS: float(losses.mean()), **judge(self._experiment.training.metrics, test, validation)}

    def _close(self, reading: Reading, figures: Mapping[str, float], fitting: Fitting) -> None:
        """Completes the record of the run, takes away what was needed to go on, and says how it went.

        figures: of the best epoch on the test images, by what lines of metrics call them.
        """
        dataset, found = reading.dataset, self.checkpoints.best
        assert found is not None
        took = fitting.seconds
        self.checkpoints.prune(final=True)
        features = fitting.feed.facts(self._experiment.training.cache, self._workers)
        self._folder.write_lock({"checkpoints": self.checkpoints.files, "features": features})
        final = {
            **figures,
            "images": len(dataset.test),
            "patients": dataset.patients(dataset.test),
            "class_counts": dict(zip(dataset.classes, dataset.class_counts(dataset.test), strict=True)),
            "skipped": self._skipped.to_json(),
            "best_epoch": found.epoch,
            "best_by": found.metric,
            "best_value": found.value,
            "epochs": fitting.epochs,
            "stopped": fitting.stopped,
            "seconds": round(took, 3),
            "images_per_second": round(fitting.images_per_second, 1),
            "leaks": reading.leaks.to_json(),
        }
        self._folder.write_test(final)
        fitting.memory.forget()
        self._summarise(final, took, features)

    def _summarise(self, final: Mapping[str, Any], seconds: float, features: Mapping[str, Any] | None) -> None:
        found = self.checkpoints.best
        assert found is not None
        by = "" if math.isnan(found.value) else f" ({figures_line({f'valid {found.metric}': found.value})})"
        say = self._progress.note
        say(f"{self._experiment.name}: done in {duration(seconds)}, best epoch {found.epoch}{by}")
        if final["images"]:
            columns = get_terminal_size().columns if sys.stderr.isatty() else 80
            say("\n".join(["", *(f"  {line}" for line in figures_table(final, columns - 2)), ""]))
        else:
            say("  test        no test images")
        measured = {metric.key: final[metric.key] for metric in self._experiment.training.metrics if final["images"]}
        if empty := undefined(measured):
            say(f"  {', '.join(empty)}: not defined, a class has no test image")
        if features and (told := in_words_of_features(features)):
            say(f"  features    {told}")
        say(f"  run folder  {self._folder.path}")
