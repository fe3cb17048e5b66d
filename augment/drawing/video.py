"""A short film of one person: pose and expression change smoothly."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from augment.drawing.person import Person
from augment.drawing.render import draw
from augment.drawing.spec import Drawing, random_spec


def draw_video(
    person: Person, age: float, seconds: float, fps: float, seed: int, size: int = 128
) -> Iterator[Drawing]:
    """Yield round(seconds * fps) drawings; frame k shows the moment k / fps of the same film."""
    base = random_spec(person, age, seed, frontal=True)
    rng = np.random.default_rng([0xF117, person.seed, seed])
    rates, phases = rng.uniform(0.15, 0.5, 8), rng.uniform(0, 2 * np.pi, 8)

    def wave(k: int, t: float) -> float:
        return float(np.sin(2 * np.pi * rates[k] * t + phases[k]))

    for frame in range(round(seconds * fps)):
        t = frame / fps
        blink = abs(((t + phases[5]) % 3.1) - 1.5) / 0.18
        yield draw(
            replace(
                base,
                yaw=base.yaw + 14.0 * wave(0, t),
                pitch=base.pitch + 5.0 * wave(1, t),
                roll=base.roll + 4.0 * wave(2, t),
                smile=0.5 + 0.5 * wave(3, t),
                mouth_open=max(0.0, 0.6 * wave(4, 2.0 * t) - 0.2),
                eyes_open=float(np.clip(blink, 0.0, 1.0)),
                seed=base.seed + frame,
            ),
            size,
        )
