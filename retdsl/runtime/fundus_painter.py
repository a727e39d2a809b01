"""Paints the photograph that a fundus camera would take of an eye.

Enters: the patient's, the photograph's and the lesions' random generators, which eye, infected or not. Leaves: uint8
RGB [size, size, 3]. Guaranteed: the same generators give the same pixels; the corners are as black as a JPEG file keeps
them. About 5 ms for 256 x 256 on one core: what is smooth is computed on a grid four times coarser, what is sharp is
drawn twice finer and averaged down.

The light is followed as it goes: the retina reflects it, pale things (disc, exudates, cotton wool) cover the retina,
blood above it absorbs, haze at the edge of the pupil adds to it, the lens blurs, the sensor adds noise, a JPEG file
keeps it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from retdsl.runtime.fundus_anatomy import (
    Floats,
    Generator,
    Patient,
    Spots,
    Vessels,
    draw_distractors,
    draw_lesions,
    draw_patient,
    grow_vessels,
)

Canvas: TypeAlias = NDArray[np.uint8]
Image: TypeAlias = NDArray[np.float32]

FINER = 2
"""Sharp things are drawn on a canvas this many times the photograph's size, then averaged down: smooth edges."""
COARSER = 4
"""Smooth things are computed at this fraction of the photograph's size."""
SUBPIXEL = 3
"""Bits of a pixel that OpenCV's drawing functions are given."""

DENSEST = 1.6
"""The optical density (natural logarithm) that 255 on a canvas of absorbers stands for."""
VEIN = (0.40, 0.80, 0.80)
ARTERY = (0.16, 0.62, 0.62)
BLOOD = (0.60, 1.30, 1.25)
"""Optical densities of thick blood for red, green and blue: the less oxygen, the less red comes back."""

RIM = (1.0, 0.74, 0.42)
CUP = (1.08, 0.98, 0.72)
EXUDATE = (1.05, 0.88, 0.44)
COTTON = (0.96, 0.90, 0.76)
"""RGB reflectance of what is paler than the retina."""

POOR = 0.08
"""The share of photographs, in either class, that are out of focus, under-exposed or partly in the shade."""


@dataclass(frozen=True, slots=True)
class View:
    """How the eye lies in the photograph: camera field and gaze."""

    size: int  # pixels
    centre: Floats  # of the field, pixels [2]
    radius: float  # of the field, pixels
    fovea: Floats  # pixels [2]
    turn: Floats  # [2, 2], from the eye's axes to the photograph's

    def pixels(self, points: Floats) -> Floats:
        """Eye coordinates [..., 2] -> pixels [..., 2]."""
        return np.asarray(points @ (self.turn.T * self.radius) + self.fovea)

    def eye_grid(self) -> Floats:
        """The eye coordinates of every point of the coarse grid, [size / 4, size / 4, 2]."""
        return np.asarray((self.grid() - self.fovea) @ (self.turn / self.radius))

    def grid(self) -> Floats:
        """The pixel coordinates of every point of the coarse grid, [size / 4, size / 4, 2]."""
        line = (np.arange(-(-self.size // COARSER)) + 0.5) * COARSER - 0.5
        return np.stack(np.meshgrid(line, line), axis=-1)

    def canvas(self) -> Canvas:
        """An empty fine canvas of three layers."""
        return np.zeros((self.size * FINER, self.size * FINER, 3), dtype=np.uint8)

    def drawn(self, points: Floats) -> NDArray[np.int32]:
        """Eye coordinates -> the fixed-point coordinates of a fine canvas."""
        return _fixed(self.pixels(points))


def _fixed(pixels: Floats) -> NDArray[np.int32]:
    """Pixels of the photograph -> fixed-point coordinates of a fine canvas, whose pixels are `FINER` times smaller."""
    fine = (np.asarray(pixels) + 0.5) * FINER - 0.5
    return np.asarray(np.rint(fine * (1 << SUBPIXEL)), np.int32)


def paint_fundus(
    *, size: int, left: bool, infected: bool, patient: Generator, photograph: Generator, lesions: Generator
) -> Canvas:
    """One photograph, uint8 RGB [size, size, 3]. Both eyes of a patient get `patient` in the same state.

    What is wrong with the eye comes from `lesions` alone: healthy or infected, all else stays as it is.
    """
    who, rng = draw_patient(patient), photograph
    disc = np.array([0.64, -0.06]) + rng.normal(0, 0.025, 2)
    view = _look(rng, who, size, left)
    found = draw_lesions(lesions, _severity(lesions, who), disc) if infected else draw_distractors(lesions, disc)

    image = _retina(rng, who, view, disc)
    pale = view.canvas()
    _draw_disc(pale, rng, view, disc, who)
    _draw_field(pale, rng, view, who)
    pale = _average(pale)
    softness = 0.0055 * view.radius
    _cover(image, _blur(pale[..., 0], 2 * softness), RIM, 0.9)
    _cover(image, _blur(pale[..., 1], 4 * softness), CUP, 0.85)
    if len(found.exudates) or len(found.cotton):
        deposits = view.canvas()
        _draw_spots(deposits, view, found.cotton, (255, 0, 0))
        _draw_spots(deposits, view, found.exudates, (0, 255, 0))
        deposits = _average(deposits)
        _cover(image, _blur(deposits[..., 0], 0.02 * view.radius), COTTON, 0.8)
        _cover(image, deposits[..., 1], EXUDATE, 0.9)

    absorbers = view.canvas()
    _draw_vessels(absorbers, view, grow_vessels(rng, who, disc), who.blood)
    _draw_spots(absorbers, view, found.blood, _density(BLOOD, who.blood))
    image *= _transmission(_blur(_average(absorbers), softness))
    return _expose(rng, image, view, _blur(pale[..., 2], softness))


def _severity(rng: Generator, patient: Patient) -> float:
    """The two eyes of a patient are ill alike, not equally."""
    return float(np.clip(patient.severity + rng.normal(0, 0.12), 0, 1))


def _look(rng: Generator, patient: Patient, size: int, left: bool) -> View:
    """Camera 0 shows the field wholly, 1 cuts it at the picture's edge, the others lie between."""
    radius = size * (0.485 + (0.075 if patient.camera == 1 else 0.0) + rng.uniform(-0.01, 0.01))
    centre = np.array([size, size]) / 2 - 0.5 + rng.normal(0, 0.004 * size, 2)
    mirror = np.diag([-1.0 if left else 1.0, 1.0])
    tilt = rng.normal(0, 0.06)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]) @ mirror
    gaze = np.array([rng.normal(-0.12, 0.1), rng.normal(0.02, 0.06)])
    return View(size, centre, radius, centre + radius * (turn @ gaze), turn)


# ---- the retina: smooth things


def _retina(rng: Generator, patient: Patient, view: View, disc: Floats) -> Image:
    """Colour, pigment, macula and illumination, float32 [size, size, 3]."""
    eye, cells = view.eye_grid(), -(-view.size // COARSER)
    to_fovea = (eye**2).sum(axis=-1)
    to_disc = ((eye - disc) ** 2).sum(axis=-1)
    from_centre = (((view.grid() - view.centre) / view.radius) - rng.normal(0, 0.12, 2)) ** 2

    mottle = 0.05 * _clouds(rng, 5, cells) + 0.03 * _clouds(rng, 14, cells)
    choroid = 1 - np.minimum(np.abs(_clouds(rng, 22, cells)), 1.0)
    light = 1.12 - rng.uniform(0.18, 0.42) * from_centre.sum(axis=-1) + eye @ rng.normal(0, 0.07, 2)
    light += rng.uniform(0.12, 0.32) * np.exp(-to_disc / 0.13) - 0.12 * np.exp(-to_fovea / 0.1)
    light *= 1 + mottle
    macula = rng.uniform(0.3, 0.55) * np.exp(-to_fovea / rng.uniform(0.011, 0.02))

    colour = light[..., None] * patient.colour
    colour *= 1 + (patient.choroid * choroid)[..., None] * (0.06, 0.18, 0.15)
    colour *= 1 - macula[..., None] * (0.75, 0.95, 0.7)
    grown = _enlarge(colour.astype(np.float32), view.size)
    grain = _clouds(rng, view.size // 3, view.size)
    grown *= (1 + 0.018 * grain)[..., None]
    return grown


def _clouds(rng: Generator, cells: int, size: int) -> Image:
    """Smooth noise of unit variance at `cells` x `cells` random points, float32 [size, size]."""
    noise = rng.standard_normal((cells, cells), dtype=np.float32)
    return np.asarray(cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def _enlarge(coarse: Image, size: int) -> Image:
    whole = coarse.shape[0] * COARSER
    grown = cv2.resize(coarse, (whole, whole), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(grown[:size, :size], np.float32)


# ---- disc, vessels, lesions: sharp things


def _draw_disc(canvas: Canvas, rng: Generator, view: View, disc: Floats, patient: Patient) -> None:
    """The disc on layer 0, its cup, a little temporal of the middle, on layer 1."""
    radius = patient.disc_radius
    cup = patient.cup * rng.uniform(0.9, 1.1) * radius
    for colour, centre, across in (((255, 0, 0), disc, radius), ((255, 255, 0), disc - (0.12 * radius, 0), cup)):
        axes = np.array([[across * rng.uniform(0.86, 0.97), across]])
        _draw_spots(canvas, view, Spots(np.asarray(centre)[None], axes, np.zeros(1), np.ones(1)), colour)


def _draw_field(canvas: Canvas, rng: Generator, view: View, patient: Patient) -> None:
    """What the camera lets in, on layer 2: a circle, of some cameras with a tab at its edge or flat above and below."""
    field = np.zeros(canvas.shape[:2], dtype=np.uint8)
    radius = int(view.radius * FINER * (1 << SUBPIXEL))
    cv2.circle(field, _point(_fixed(view.centre)), radius, (255,), cv2.FILLED, cv2.LINE_8, SUBPIXEL)
    if patient.camera == 2:
        tab = view.centre + view.radius * np.array([0.69, -0.69])
        cv2.circle(field, _point(_fixed(tab)), radius // 19, (255,), cv2.FILLED, cv2.LINE_8, SUBPIXEL)
    if patient.camera == 3:
        half = int(view.radius * FINER * rng.uniform(0.86, 0.94))
        middle = int(view.centre[1] * FINER)
        field[: max(0, middle - half)] = 0
        field[middle + half :] = 0
    canvas[..., 2] = field


def _draw_vessels(canvas: Canvas, view: View, tree: list[Vessels], darkness: float) -> None:
    """All vessels, thin ones first; pieces of one width and colour in one call, which is what makes it quick."""
    pieces: defaultdict[tuple[int, bool], list[NDArray[np.int32]]] = defaultdict(list)
    fine = view.radius * FINER
    for vessels in tree:
        points = view.drawn(vessels.points)
        widths = np.maximum(1, np.rint(vessels.width * fine)).astype(int)
        off_fovea = np.hypot(vessels.points[..., 0], vessels.points[..., 1]).min(axis=1) > 0.09
        for k in np.flatnonzero(off_fovea):
            line, width, vein = points[k], widths[k].tolist(), bool(vessels.vein[k])
            start = 0
            for end in range(1, len(width)):
                if width[end] != width[start] or end == len(width) - 1:
                    pieces[width[start], vein].append(line[start : end + 1])
                    start = end
    for width, vein in sorted(pieces):
        colour = _density(VEIN if vein else ARTERY, darkness)
        cv2.polylines(canvas, pieces[width, vein], False, colour, width, cv2.LINE_8, SUBPIXEL)


def _draw_spots(canvas: Canvas, view: View, spots: Spots, colour: tuple[float, ...]) -> None:
    """Filled ellipses of `colour` times their strength."""
    centres = view.drawn(spots.centre)
    axes = np.maximum(1, spots.axes * (view.radius * FINER * (1 << SUBPIXEL))).astype(np.int32)
    across = np.stack([np.cos(spots.angle), np.sin(spots.angle)], axis=-1) @ view.turn.T
    angles = np.degrees(np.arctan2(across[:, 1], across[:, 0])).tolist()
    for k, strength in enumerate(spots.strength.tolist()):
        shade = tuple(strength * part for part in colour)
        box = _point(axes[k])
        cv2.ellipse(canvas, _point(centres[k]), box, angles[k], 0, 360, shade, cv2.FILLED, cv2.LINE_8, SUBPIXEL)


def _point(fixed: NDArray[np.int32]) -> tuple[int, int]:
    return int(fixed[0]), int(fixed[1])


def _density(absorption: tuple[float, float, float], darkness: float) -> tuple[float, ...]:
    return tuple(255 * darkness * part / DENSEST for part in absorption)


def _average(canvas: Canvas) -> Canvas:
    """A fine canvas at the photograph's size."""
    size = canvas.shape[0] // FINER
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _blur(canvas: Canvas, sigma: float) -> Canvas:
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), sigma), np.uint8)


def _transmission(canvas: Canvas) -> Image:
    """The share of light that passes absorbers of the given density, in place of an exponential a pixel."""
    table = np.exp(-DENSEST / 255 * np.arange(256, dtype=np.float32))
    return np.asarray(cv2.LUT(canvas, table), np.float32)


def _cover(image: Image, cover: Canvas, colour: tuple[float, float, float], opacity: float) -> None:
    """Blends `colour` over the image where `cover` [size, size] says so; touches only the rectangle it covers."""
    x, y, width, height = cv2.boundingRect(cover)
    part = image[y : y + height, x : x + width]
    share = (cover[y : y + height, x : x + width] * np.float32(opacity / 255))[..., None]
    part += share * (np.asarray(colour, dtype=np.float32) - part)


# ---- the camera


def _expose(rng: Generator, image: Image, view: View, field: Canvas) -> Canvas:
    """Haze, exposure, focus, sensor and file: float32 reflectance -> uint8 photograph."""
    exposure, focus, noise = rng.uniform(0.88, 1.12), rng.uniform(0.45, 0.75), rng.uniform(2.0, 5.0)
    aim, shade = rng.normal(0, 0.25, 2), 0.0
    if rng.random() < POOR:
        fault = rng.integers(0, 3)
        exposure *= 0.5 if fault == 0 else 1.0
        focus = rng.uniform(1.4, 2.4) if fault == 1 else focus
        shade = 0.75 if fault == 2 else 0.0
        noise *= 1.5
    place = (view.grid() - view.centre) / view.radius - aim
    distance = np.sqrt((place**2).sum(axis=-1))
    dim = exposure * (1 - shade / (1 + np.exp(-6 * (place @ (aim / np.hypot(*aim)) - 0.1))))
    haze = rng.beta(0.7, 1.5) * np.clip(distance - 0.6, 0, 1) ** 1.5
    glow = rng.uniform(0.4, 0.9) * rng.normal((0.7, 1.0, 0.9), 0.08)
    coarse = np.concatenate([dim[..., None], haze[..., None] * glow], axis=-1).astype(np.float32)
    fields = _enlarge(255 * coarse, view.size)
    image *= fields[..., :1]
    image += fields[..., 1:]

    image = np.asarray(cv2.GaussianBlur(image, (0, 0), focus * view.size / 256), np.float32)
    grains = np.frombuffer(rng.bytes(image.size), dtype=np.uint8).reshape(image.shape)
    image += grains * np.float32(noise / 128) - np.float32(noise)
    image *= (field * np.float32(1 / 255))[..., None]
    return _through_file(np.clip(image, 0, 255).astype(np.uint8))


def _through_file(photograph: Canvas) -> Canvas:
    """What a JPEG file leaves of a photograph."""
    reversed_colours = cv2.cvtColor(photograph, cv2.COLOR_RGB2BGR)
    _, file = cv2.imencode(".jpg", reversed_colours, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return np.asarray(cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)
