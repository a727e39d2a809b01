"""The training loop of one network: epochs of updates, and predictions in between.

Enters: a `Network`, the values it starts from, batches of images. Leaves: the loss and probabilities of each epoch, and
parameters for a checkpoint. Guaranteed: the same seed, threads and batches give bit-identical parameters; what is
frozen stays bit-identical (`frozen` tells); a loss or parameter that is no longer a number stops the training.

Images run through the frozen part, bound for prediction, and its outputs go, on the device, to the trained part, bound
for training: below the cuts no gradient is computed, and no memory taken for one. Every image weighs the same: the
gradient is summed over the batches of a step and divided by the images of a full step, in the last, smaller step too.
Loss and gradients are looked at before they change a parameter: a step is done only if all of them are numbers.

Where training unfreezes parts at some epoch, a phase begins there (`begin_phase`), and both parts are bound anew. What
was trained before goes on as if nothing had happened, with the optimizer's states of its parameters, the schedule and
the seeds; the states of those that join start fresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.ahead import with_next
from retdsl.runtime.averaging import Average
from retdsl.runtime.bound import Bound, Device, MxArray, full_batch, require_room
from retdsl.runtime.callbacks import Moment
from retdsl.runtime.choice import forward_by
from retdsl.runtime.devices import contexts
from retdsl.runtime.diagnosis import bad_rows, first_layer, last_gradient, lost_parameters
from retdsl.runtime.engines import Engines
from retdsl.runtime.epoch_record import Diverged, EpochOutcome, EpochRecord, OnBatch, is_number
from retdsl.runtime.errors import RunError
from retdsl.runtime.forward import Inference
from retdsl.runtime.frozen_part import BehindFrozen, FrozenPart
from retdsl.runtime.gradients import Gradients
from retdsl.runtime.inference import predict
from retdsl.runtime.initial import Array
from retdsl.runtime.loader import Batch
from retdsl.runtime.mx import mx
from retdsl.runtime.network import Network, Parameters
from retdsl.runtime.out_of_memory import enough_memory
from retdsl.runtime.predictions import Predictions
from retdsl.runtime.randomness import Chance
from retdsl.runtime.recipe import Recipe
from retdsl.runtime.several_devices import OnSeveralDevices
from retdsl.runtime.state import Pauses, Stateful
from retdsl.runtime.trained_part import Learning, TrainedPart
from retdsl.runtime.updater import Updater
from retdsl.runtime.workers import Workers

AnyBatch: TypeAlias = Batch | BehindFrozen


class Trainer:
    """Holds the parameters of a network on the device and improves them epoch by epoch.

    workers: the processes that train it together, None for this one alone; engines: those that may compute what only
    predicts, None for MXNet alone; devices: that share each batch of this process, None for the usual one. Parameters
    are updated on the first.
    """

    def __init__(
        self,
        network: Network,
        start: Parameters,
        recipe: Recipe,
        workers: Workers | None = None,
        engines: Engines | None = None,
        devices: Sequence[Device] | None = None,
    ) -> None:
        self._network = network
        self._recipe = recipe
        self._workers = workers or Workers()
        self._engines = engines
        self._devices = tuple(devices or contexts())
        self._where = self._devices[0]
        self._arguments = {name: mx.nd.array(value, ctx=self._where) for name, value in start.arguments.items()}
        self._auxiliary = {name: mx.nd.array(value, ctx=self._where) for name, value in start.auxiliary.items()}
        self._label = f"{network.loss_name}_label"
        self._updater = Updater(recipe, self._arguments)
        self._gradients = Gradients(recipe.accumulate, recipe.clip, self._workers)
        values = {**self._arguments, **self._auxiliary}
        self._average = None if recipe.average is None else Average(recipe.average, values)
        self._parts: dict[str, Stateful] = {"updater": self._updater, "gradients": self._gradients}
        if self._average is not None:
            self._parts["average"] = self._average
        self._apart = False  # whether workers have statistics of their own
        self._workers.broadcast(values)
        self.begin_phase(1)

    def begin_phase(self, epoch: int) -> None:
        """Trains from now on what the network trains in this epoch. Raises RunError if that is nothing."""
        mx.nd.waitall()
        self._symbols = self._network.symbols(self._recipe.weights, epoch, soft=self._recipe.soft)
        self._frozen_names = self._network.frozen_names(epoch)
        self._still: dict[str, Array] = {}  # copies of what is frozen: one is enough
        own, frozen = self._symbols.trained.list_arguments(), self._frozen_names
        self._updated = [name for name in own if name in self._arguments and name not in frozen]
        if not self._updated:
            raise RunError("every parameter of the network is frozen: there is nothing to train")
        self._gradients.begin(self._updated, self._arguments)
        if self._average is not None:
            statistics = (n for n in self._symbols.trained.list_auxiliary_states() if n not in self._frozen_names)
            self._average.begin((*self._updated, *statistics))
        self._bind(self._recipe.rows)

    def _bind(self, batch: int) -> None:
        """Makes both parts, for so many images in a batch."""
        network, symbols = self._network, self._symbols
        values = {**self._arguments, **self._auxiliary}
        self._frozen = FrozenPart(
            symbols, values, network.input, network.input_shape, batch, self._where, self._engines
        )
        learning = Learning(symbols, self._arguments, self._auxiliary, self._gradients, self._updated, self._label)
        self._trained = (
            TrainedPart(learning, self._where)
            if len(self._devices) == 1
            else OnSeveralDevices(learning, self._frozen_names, self._devices)
        )

    @property
    def updated(self) -> tuple[str, ...]:
        """The names of the parameters that training changes."""
        return tuple(self._updated)

    @property
    def learns(self) -> int:
        """How many numbers training changes now."""
        return sum(int(self._arguments[name].size) for name in self._updated)

    @property
    def whole_symbol(self) -> str:
        """The whole network with its loss, as it is trained now, as JSON."""
        symbol: str = self._symbols.whole.tojson()
        return symbol

    @property
    def cuts(self) -> tuple[str, ...]:
        """The values that the trained part starts from: those at the cuts, or the input where nothing is cut off."""
        return tuple(self._symbols.inputs)

    def train_epoch(
        self,
        epoch: int,
        batches: Iterable[AnyBatch],
        on_batch: OnBatch | None = None,
        then: Callable[[Moment], None] | None = None,
        *,
        begun: Mapping[str, NDArray[Any]] | None = None,
        pauses: Pauses | None = None,
    ) -> EpochOutcome:
        """Updates the parameters with every step. epoch: from 1; then: called after every batch.

        begun: the state of the record of an epoch that was interrupted, of which `batches` are the rest; pauses: when
        to stop for a moment, with everything computed and put down, and whom to call then. Raises RunError when a loss,
        a gradient or a parameter is not a number.
        """
        record = EpochRecord(exclusive=self.exclusive, on_batch=on_batch)
        if begun is not None:
            record.restore(begun)
        started = time.perf_counter() - record.seconds
        for batch, is_last in with_next(batches):
            # So that what a batch draws does not depend on what was drawn before: training may begin with any batch.
            if self._trained.draws:
                mx.random.seed(self._chance(epoch, record.batches).integers(2**31))
            with enough_memory("to train on", self._recipe.rows, self._try):
                losses = self._learn(batch, record, epoch)
                if self._gradients.added() or is_last:
                    self._step(batch, epoch, record.batches)
            if then is not None:
                then(self._moment(record, epoch, losses, time.perf_counter() - started))
            if pauses is not None and pauses.due(record.batches):
                self._join_statistics()
                self._gradients.gather()
                self._require_finite_parameters(epoch)
                record.seconds = time.perf_counter() - started
                pauses.reached(record)
        self._join_statistics()
        self._require_finite_parameters(epoch)
        return EpochOutcome(record.loss, record.losses(), record.predictions(), time.perf_counter() - started)

    @property
    def frozen_part(self) -> FrozenPart:
        """What images pass before anything that is trained now."""
        return self._frozen

    def predict(self, batches: Iterable[AnyBatch], saved: Mapping[str, Array] | None = None) -> Predictions:
        """The network's answers as it is now, by the average of its weights if there is one; or with the parameters
        that were `saved` after some epoch: what is frozen now was frozen then. Those of all workers.

        Raises RunError when one is not a number.
        """
        # MXNet does not track BatchNorm's writes to its statistics; without waiting, stale ones may be read.
        mx.nd.waitall()
        self._join_statistics()
        symbols = self._symbols
        values, batch = self._judged(), self._recipe.rows
        if saved is not None:
            own = (*symbols.trained_deploy.list_arguments(), *symbols.trained_deploy.list_auxiliary_states())
            values = {name: mx.nd.array(saved[name], ctx=self._where) for name in own if name in saved}
        if symbols.frozen is None:
            # Anew every time, as the parameters have changed: a session is made faster than a symbol is bound.
            input, shape = self._network.input, self._network.input_shape
            inference = Inference(symbols.deploy, values, input, shape, batch, self._where, symbols.predicting)
            forward = forward_by(inference, self._engines)
            answers = predict(batches, lambda images: forward(images)[0])
        else:
            frozen, trained = self._frozen, self._answering(values, batch)
            answers = predict(batches, lambda images: trained(images if type(images) is list else frozen(images))[0])
        return self._workers.joined_predictions(answers)

    def parameters(self) -> Parameters:
        """A copy of the whole network's parameters, frozen ones included, as training goes on with them."""
        return self._copied({**self._arguments, **self._auxiliary})

    def judged_parameters(self) -> Parameters:
        """The same as the network is judged by: their average, if there is one."""
        return self._copied(self._judged())

    def _judged(self) -> dict[str, MxArray]:
        return {**self._arguments, **self._auxiliary} if self._average is None else self._average.values()

    def _copied(self, values: Mapping[str, MxArray]) -> Parameters:
        mx.nd.waitall()

        def copied(name: str) -> Array:
            if name in self._still:
                return self._still[name]
            array: Array = values[name].asnumpy()
            if name in self._frozen_names:
                array.setflags(write=False)
                self._still[name] = array
            return array

        return Parameters({name: copied(name) for name in self._arguments}, {n: copied(n) for n in self._auxiliary})

    def optimizer_states(self) -> bytes:
        """What the optimizer remembers (momentum, moments) by parameter name, pickled by MXNet."""
        return self._updater.states()

    def state(self) -> dict[str, NDArray[Any]]:
        """Of parameters and statistics those that are not frozen any more: the others are as they were at the start."""
        mx.nd.waitall()
        found: dict[str, NDArray[Any]] = {}
        for kind, arrays in (("arg", self._arguments), ("aux", self._auxiliary)):
            found |= {f"{kind}:{n}": array.asnumpy() for n, array in arrays.items() if n not in self._frozen_names}
        for part, stateful in self._parts.items():
            found |= {f"{part}:{name}": value for name, value in stateful.state().items()}
        return found

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """To be followed by `begin_phase` unless what is trained is as it was at the start."""
        split: dict[str, dict[str, NDArray[Any]]] = {"arg": {}, "aux": {}, **{part: {} for part in self._parts}}
        for key, value in state.items():
            owner, _, name = key.partition(":")
            split[owner][name] = value
        for kind, arrays in (("arg", self._arguments), ("aux", self._auxiliary)):
            for name, value in split[kind].items():
                arrays[name][:] = value
        for part, stateful in self._parts.items():
            stateful.restore(split[part])
        mx.nd.waitall()
        self._trained.follow()

    def frozen(self) -> Parameters:
        """A copy of what is frozen now, parameters and statistics, as they lie on the device."""
        mx.nd.waitall()
        arguments, auxiliary = (
            {name: array.asnumpy() for name, array in arrays.items() if name in self._frozen_names}
            for arrays in (self._arguments, self._auxiliary)
        )
        return Parameters(arguments, auxiliary)

    def rate_after(self, epoch: int) -> float:
        """The rate of the last update of an epoch."""
        return self._recipe.learning_rate(self._recipe.course.until(epoch))

    def loss_of(self, probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.float64]:
        """The loss [n] of each answer."""
        return self._network.loss.value(probabilities, labels, self._recipe.weights)

    @property
    def exclusive(self) -> bool:
        """Whether a photograph shows one class only, so that the labels of predictions are [n]."""
        return self._network.loss.exclusive

    def _learn(self, batch: AnyBatch, record: EpochRecord, epoch: int) -> NDArray[np.float64]:
        """Adds the gradient of a batch to that of the step. Returns the losses [n] of its images before the step."""
        values, losses = np.zeros(0, np.float32), np.zeros(0)
        self._apart = True
        if len(batch.labels):
            values = self._trained.learn(self._features_of(batch), batch.labels)
            losses = self.loss_of(values, batch.labels)
        else:
            self._gradients.nothing()
        if not is_number(losses, values):
            raise self._diverged("the loss is not a number", batch, epoch, record.batches + 1)
        columns: dict[str, NDArray[Any]] = {"indices": batch.indices, "labels": batch.labels}
        columns |= {"values": values, "losses": losses}
        if batch.rows is not None:
            columns = self._workers.joined({"rows": batch.rows, **columns})
            order = columns.pop("rows").argsort()
            columns = {name: column[order] for name, column in columns.items()}
        record.add(*columns.values())
        return columns["losses"]

    def _chance(self, epoch: int, batch: int) -> Chance:
        """What a batch draws from while it passes the network: every worker for its own rows."""
        others = (self._workers.rank,) if self._workers.rank else ()
        return Chance("dropout", self._recipe.seed, epoch, batch, *others)

    def _try(self, images: int) -> None:
        """Raises MemoryError, or MXNet's, without room to train on so many images and validate. Ends all training."""
        del self._frozen, self._trained
        self._bind(images)
        planned = self._trained.planned(images) + self._answering(self._judged(), images).planned
        # Twice: layers that lay values out anew take room for a moment, which MXNet does not plan.
        require_room(2 * planned, self._where)

    def _answering(self, values: Mapping[str, MxArray], batch: int) -> Bound:
        """The trained part bound for answers. values: parameters and statistics by name; batch: images at once."""
        symbols = self._symbols
        return Bound(symbols.trained_deploy, values, symbols.inputs, batch, self._where, symbols.predicting)

    def _step(self, batch: AnyBatch, epoch: int, number: int) -> None:
        """One update by the gradients of the batches since the last one. number: of the last of them."""
        images = self._recipe.full_step(epoch)
        self._workers.sum(self._gradients.arrays)
        if not self._gradients.measure(images):
            raise self._diverged("a gradient is not a number", batch, epoch, number)
        scale = self._gradients.clipped(images)
        self._updater.step(self._updated, self._gradients.arrays, self._arguments, scale)
        self._trained.follow()
        self._gradients.finish()
        if self._average is not None:
            self._average.note()

    def _moment(self, record: EpochRecord, epoch: int, losses: NDArray[np.float64], seconds: float) -> Moment:
        number = record.batches
        update = self._recipe.update_of(epoch, number)
        return Moment(
            epoch=epoch,
            batch=number,
            updates=self._updater.updates,
            images=record.images,
            loss=float(losses.mean()),
            mean_loss=record.loss,
            learning_rate=self._recipe.learning_rate(update),
            gradient_norm=self._gradients.length,
            images_per_second=record.images / seconds,
        )

    def _diverged(self, what: str, behind: AnyBatch, epoch: int, number: int) -> Diverged:
        """The error for a batch whose numbers are none: where they began."""
        batch = behind.photographs() if isinstance(behind, BehindFrozen) else behind
        mx.nd.waitall()
        rate = self._recipe.learning_rate(self._recipe.update_of(epoch, number))
        text, rates = f"{what} in epoch {epoch}, batch {number}", f"the learning rate was {rate:g}"
        if len(rows := bad_rows(batch.images)):
            share = "its photographs" if len(rows) == len(batch.images) else f"{len(rows)} of its photographs"
            items = [f"{share} have numbers that are none before they reach the network"]
            return Diverged(text, items, [int(batch.indices[row]) for row in rows])
        values = {**self._arguments, **self._auxiliary}
        found = None
        if self._symbols.frozen is not None:
            images = {self._network.input: full_batch(batch.images, self._recipe.rows, self._where)}
            found = first_layer(self._symbols.frozen, values, images, train=False)
        if found is None:
            found = first_layer(self._symbols.trained, values, self._trained.given(len(batch.images)), train=True)
        found = found or last_gradient(self._symbols.trained, self._gradients.arrays)
        return Diverged(text, [found or "no layer gives such numbers when the batch is repeated", rates])

    def _features_of(self, batch: AnyBatch) -> list[MxArray]:
        """The inputs of the trained part, of at least as many rows as the batch has."""
        return batch.images if isinstance(batch, BehindFrozen) else self._frozen(batch.images)

    def _join_statistics(self) -> None:
        """Makes BatchNorm's statistics the mean of those of all workers. Each has kept those of its own rows."""
        if self._workers.count == 1 or not self._apart:
            return
        self._apart = False
        mx.nd.waitall()
        learning = [n for n in self._symbols.trained.list_auxiliary_states() if n not in self._frozen_names]
        found = {f"statistic {name}": self._auxiliary[name] for name in learning}
        if self._average is not None:
            found |= {f"average {name}": self._average.values()[name] for name in learning}
        self._workers.sum(found)
        for array in found.values():
            array[:] = array / self._workers.count

    def _require_finite_parameters(self, epoch: int) -> None:
        # Probabilities alone do not tell: a ReLU turns NaN into 0, and the network goes on with a dead layer.
        mx.nd.waitall()
        values = {**{name: self._arguments[name] for name in self._updated}, **self._auxiliary}
        if lost := lost_parameters(self._symbols.whole, values):
            raise Diverged(f"epoch {epoch} ended with parameters that are no numbers", lost)
