"""The anatomy of a painted eye: where vessels run and where lesions lie, as plain arrays.

Enters: random generators. Leaves: `Patient`, `Vessels` and `Lesions` in the eye's own coordinates: the origin is the
fovea, x points to the nose, y down, and 1 is the radius of the camera's field (about 22 degrees of the retina). A left
eye is a mirrored right one, which is the painter's business. No pixels here. Guaranteed: no vessel is wider than
the one it leaves, and no lesion is centred on the disc.

Proportions are those of a 45 degree photograph: the disc lies 0.64 nasal of the fovea and slightly above it and
measures 0.15 in radius; the temporal arcades pass about 0.5 above and below the fovea, which no vessel enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Generator: TypeAlias = np.random.Generator

FUNDUS_COLOURS = np.array(
    [
        (0.88, 0.50, 0.19),  # blond: the choroid shines through
        (0.80, 0.42, 0.27),
        (0.72, 0.53, 0.43),  # a pale camera
        (0.60, 0.33, 0.13),
        (0.52, 0.20, 0.11),  # much melanin
    ]
)
"""RGB reflectance of the retina, from little to much pigment; a patient is a mixture of them."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the two eyes of a patient share."""

    colour: Floats  # RGB reflectance [3]
    choroid: float  # how far the choroid's vessels shine through, 0 to 1
    tortuosity: float  # how much vessels wind
    caliber: float  # how wide vessels are, around 1
    blood: float  # how dark blood is in this camera's photographs, around 1
    disc_radius: float
    cup: float  # radius of the cup over that of the disc
    camera: int  # which kind of camera took both eyes
    severity: float  # of the disease if there is one, 0 (mild) to 1 (obvious)


def draw_patient(rng: Generator) -> Patient:
    """A patient at random."""
    mixture = rng.standard_gamma(0.5, size=len(FUNDUS_COLOURS)) + 1e-3
    return Patient(
        colour=(mixture / mixture.sum()) @ FUNDUS_COLOURS * rng.normal(1.0, (0.05, 0.05, 0.08)),
        choroid=float(rng.beta(0.8, 2.5)),
        tortuosity=float(rng.uniform(0.6, 1.5)),
        caliber=float(rng.uniform(0.85, 1.2)),
        blood=float(rng.uniform(0.65, 1.0)),
        disc_radius=float(rng.uniform(0.13, 0.165)),
        cup=float(rng.uniform(0.3, 0.6)),
        camera=int(rng.integers(0, 5)),
        severity=float(rng.beta(1.0, 1.7)),
    )


@dataclass(frozen=True, slots=True)
class Vessels:
    """B vessels of K points each. An artery is brighter and thinner than the vein beside it."""

    points: Floats  # [B, K, 2]
    heading: Floats  # [B, K], radians: 0 points to the nose, pi / 2 away from the horizontal midline
    half: Floats  # [B]: -1 runs in the upper half of the retina, +1 in the lower
    width: Floats  # [B, K]
    vein: NDArray[np.bool_]  # [B]


def _grow(
    rng: Generator,
    *,
    start: Floats,
    heading: Floats,
    bend: Floats,
    early: float,
    length: Floats,
    half: Floats,
    width: Floats,
    taper: float,
    vein: NDArray[np.bool_],
    winding: float,
    steps: int,
) -> Vessels:
    """Vessels that leave `start` [B, 2] in direction `heading` [B] and turn by `bend` [B], mostly `early`."""
    t = np.linspace(0.0, 1.0, steps)
    turn = (1 - np.exp(-early * t)) / (1 - np.exp(-early))
    wander = np.cumsum(rng.standard_normal((len(start), steps)), axis=1) * (winding / np.sqrt(steps))
    angle = heading[:, None] + bend[:, None] * turn + wander * np.minimum(1.0, 4 * t)
    step = np.stack([np.cos(angle), half[:, None] * np.sin(angle)], axis=-1) * (length / steps)[:, None, None]
    step[:, 0] = 0
    return Vessels(
        points=start[:, None] + np.cumsum(step, axis=1),
        heading=angle,
        half=half,
        width=width[:, None] * (1 - taper * t),
        vein=vein,
    )


def _sprout(rng: Generator, parents: Vessels, *, each: int, length: tuple[float, float], winding: float) -> Vessels:
    """`each` side branches on every parent, in turn to the one and to the other side."""
    count, steps = len(parents.points), parents.points.shape[1]
    parent = np.repeat(np.arange(count), each)
    share = (np.arange(each) + rng.uniform(0.1, 0.9, size=(count, each))) / each
    place = (steps * (0.16 + 0.8 * share)).astype(int).ravel()
    side = np.where((np.arange(count * each) + rng.integers(0, 2)) % 2, 1.0, -1.0)
    fork = rng.uniform(0.4, 0.85, size=count * each)
    return _grow(
        rng,
        start=parents.points[parent, place],
        heading=parents.heading[parent, place] + side * fork,
        bend=-side * fork * rng.uniform(0.2, 0.9, size=count * each),
        early=1.0,
        length=rng.uniform(*length, size=count * each),
        half=parents.half[parent],
        width=parents.width[parent, place] * rng.uniform(0.42, 0.66, size=count * each),
        taper=0.7,
        vein=parents.vein[parent],
        winding=winding,
        steps=12,
    )


def grow_vessels(rng: Generator, patient: Patient, disc: Floats) -> list[Vessels]:
    """The tree that leaves the disc at `disc` [2]: trunks first, then branches, then twigs."""
    half = np.array([-1.0, -1, 1, 1] * 2)
    vein = np.array([True, False] * 4)
    temporal = np.arange(8) < 4
    width = np.where(vein, 0.026, 0.018) * np.where(temporal, 1.0, 0.7) * patient.caliber * rng.uniform(0.85, 1.1, 8)
    # Arteries run inside the arch of the veins, now and then across it: they leave the disc a little more temporally.
    heading = np.where(temporal, 1.65, 0.95) + np.where(vein, -0.14, 0.14) + rng.normal(0, 0.13, 8)
    aside, apart = np.where(vein, 0.02, -0.01) + rng.normal(0, 0.015, 8), half * rng.uniform(0.01, 0.05, 8)
    trunks = _grow(
        rng,
        start=disc + np.stack([aside, apart], axis=-1),
        heading=heading,
        bend=np.where(temporal, rng.uniform(1.35, 1.75, 8), rng.uniform(-0.7, 0.1, 8)),
        early=2.5,
        length=np.where(temporal, rng.uniform(1.5, 1.8, 8), rng.uniform(0.7, 1.0, 8)),
        half=half,
        width=width,
        taper=0.65,
        vein=vein,
        winding=0.42 * patient.tortuosity,
        steps=40,
    )
    macular = _grow(
        rng,
        start=np.repeat(disc[None], 4, axis=0) + rng.normal(0, 0.02, (4, 2)),
        heading=rng.uniform(2.4, 2.9, 4),
        bend=rng.uniform(0.0, 0.5, 4),
        early=1.0,
        length=rng.uniform(0.35, 0.55, 4),
        half=np.array([-1.0, -1, 1, 1]),
        width=np.full(4, 0.010) * patient.caliber,
        taper=0.6,
        vein=np.array([True, False] * 2),
        winding=0.5 * patient.tortuosity,
        steps=12,
    )
    branches = _sprout(rng, trunks, each=4, length=(0.4, 0.9), winding=0.35 * patient.tortuosity)
    twigs = _sprout(rng, branches, each=2, length=(0.15, 0.4), winding=0.4 * patient.tortuosity)
    return [trunks, macular, branches, twigs]


@dataclass(frozen=True, slots=True)
class Spots:
    """N elliptic spots; a lesion of irregular shape is several that overlap."""

    centre: Floats  # [N, 2]
    axes: Floats  # [N, 2], half lengths
    angle: Floats  # [N], radians
    strength: Floats  # [N], 0 to 1

    def __len__(self) -> int:
        return len(self.centre)


NO_SPOTS = Spots(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True)
class Lesions:
    """What an eye shows besides its anatomy."""

    blood: Spots  # microaneurysms and haemorrhages: dark red
    exudates: Spots  # hard exudates or drusen: yellow
    cotton: Spots  # cotton-wool spots: white, soft


def _join(*spots: Spots) -> Spots:
    return Spots(
        centre=np.concatenate([s.centre for s in spots]),
        axes=np.concatenate([s.axes for s in spots]),
        angle=np.concatenate([s.angle for s in spots]),
        strength=np.concatenate([s.strength for s in spots]),
    )


def _spots(
    rng: Generator,
    centre: Floats,
    radius: tuple[float, float],
    strength: tuple[float, float],
    *,
    stretch: float = 1.3,
    angle: Floats | None = None,
) -> Spots:
    """Ellipses around the given centres [N, 2], their long axis up to `stretch` times the short one."""
    count = len(centre)
    short = rng.uniform(*radius, size=count)
    return Spots(
        centre=centre,
        axes=np.stack([short * rng.uniform(1.0, stretch, size=count), short], axis=-1),
        angle=rng.uniform(0, np.pi, size=count) if angle is None else angle,
        strength=rng.uniform(*strength, size=count),
    )


def _scatter(rng: Generator, count: int, disc: Floats, spread: float, *, beyond: float = 0.08) -> Floats:
    """Up to `count` places [N, 2] around the posterior pole, outside the fovea (`beyond`) and off the disc."""
    place = _off_disc(rng.normal((0.12, 0.0), spread, size=(count, 2)), disc)
    return place[_distance(place) > beyond]


def _off_disc(place: Floats, disc: Floats) -> Floats:
    return place[_distance(place - disc) > 0.19]


def _distance(vector: Floats) -> Floats:
    """Lengths [N] of vectors [N, 2]."""
    return np.asarray(np.hypot(vector[:, 0], vector[:, 1]))


def _irregular(rng: Generator, centre: Floats, radius: float, parts: int) -> Floats:
    """Every centre [N, 2] as `parts` centres close to it: [N * parts, 2]."""
    around = rng.normal(0, radius, size=(len(centre) * parts, 2))
    return np.asarray(np.repeat(centre, parts, axis=0) + around)


def _exudates(rng: Generator, severity: float, disc: Floats) -> Spots:
    """Clusters of sharp-edged deposits, some of them in the ring that leaking vessels leave."""
    clusters = _scatter(rng, 1 + int(rng.poisson(3 * severity)), disc, 0.3, beyond=0.1)
    places = [np.zeros((0, 2))]
    for cluster in clusters:
        count = int(rng.integers(5, 11 + int(30 * severity)))
        if rng.random() < 0.4:
            turn = rng.uniform(0, 2 * np.pi) + rng.uniform(2, 6) * rng.random(count)
            away = rng.normal(rng.uniform(0.08, 0.15), 0.014, count)
            places.append(cluster + np.stack([away * np.cos(turn), away * np.sin(turn)], axis=-1))
        else:
            places.append(cluster + rng.normal(0, rng.uniform(0.03, 0.08), size=(count, 2)))
    centre = _off_disc(np.concatenate(places), disc)
    small = rng.random(len(centre)) < 0.7
    return _join(
        _spots(rng, centre[small], (0.005, 0.009), (0.7, 1.0), stretch=1.8),
        _spots(rng, _irregular(rng, centre[~small], 0.009, 2), (0.007, 0.017), (0.8, 1.0), stretch=2.0),
    )


def draw_lesions(rng: Generator, severity: float, disc: Floats) -> Lesions:
    """Diabetic retinopathy from mild (severity 0) to obvious (1)."""
    small = _scatter(rng, 4 + int(rng.poisson(20 * severity)), disc, 0.38)
    blots = _scatter(rng, int(rng.poisson(0.6 + 8 * severity)), disc, 0.42)
    flames = _scatter(rng, int(rng.poisson(0.4 + 3.5 * severity)), disc, 0.42)
    # Flames follow the nerve fibres, which fan out from the disc.
    along = np.arctan2(flames[:, 1] - disc[1], flames[:, 0] - disc[0]) + rng.normal(0, 0.25, len(flames))
    blood = _join(
        _spots(rng, small, (0.006, 0.011), (0.7, 1.0)),
        _spots(rng, _irregular(rng, blots, 0.012, 3), (0.009, 0.024), (0.6, 1.0), stretch=1.6),
        _spots(rng, flames, (0.007, 0.015), (0.5, 0.9), stretch=5.0, angle=along),
    )
    leaks = rng.random() < 0.35 + 0.6 * severity
    wool = _scatter(rng, int(rng.poisson(0.3 + 2.6 * severity)), disc, 0.4, beyond=0.25)
    cotton = _spots(rng, _irregular(rng, wool, 0.025, 3), (0.022, 0.045), (0.5, 0.85), stretch=1.6)
    return Lesions(blood=blood, exudates=_exudates(rng, severity, disc) if leaks else NO_SPOTS, cotton=cotton)


def draw_distractors(rng: Generator, disc: Floats) -> Lesions:
    """What a healthy eye may show: mostly nothing, now and then some drusen or a lone cotton-wool spot."""
    chance = rng.random()
    drusen = _scatter(rng, int(rng.integers(3, 9)) if chance < 0.07 else 0, disc, 0.2)
    wool = _scatter(rng, 1 if chance > 0.96 else 0, disc, 0.4, beyond=0.25)
    return Lesions(
        blood=NO_SPOTS,
        exudates=_spots(rng, drusen, (0.006, 0.014), (0.3, 0.6)),
        cotton=_spots(rng, _irregular(rng, wool, 0.02, 3), (0.02, 0.035), (0.4, 0.7)),
    )
