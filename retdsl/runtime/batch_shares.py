"""What of a network depends on how a batch is shared among workers: BatchNorm that is trained.

Enters: a network, how many epochs and workers there are. Leaves: a sentence for people, where there is anything to say.
"""

from __future__ import annotations

from retdsl.runtime.network import Network

MEAN = "_moving_mean"
"""What the statistic of a BatchNorm layer is called that it has one of, after the layer."""


def shares_in_words(network: Network, epochs: int, workers: int, batch: int) -> str | None:
    """Which BatchNorm layers normalise by shares of a batch; None where none is trained, or nothing is shared."""
    if workers == 1:
        return None
    layers = {name for name in network.deploy_symbol().list_auxiliary_states() if name.endswith(MEAN)}
    steps: list[str] = []
    before = 0
    for start in network.phase_starts():
        count = len(layers - network.frozen_names(start))
        if start <= epochs and count != before:
            steps.append(f"{count} of {len(layers)}" + (f" from epoch {start} on" if start > 1 else ""))
            before = count
    if not steps:
        return None
    share = f"{batch // workers}" if batch % workers == 0 else f"{batch // workers} or {batch // workers + 1}"
    return (
        f"BatchNorm layers that are trained: {', '.join(steps)}; there each worker normalises by its own {share} "
        f"images of a batch of {batch}"
    )
