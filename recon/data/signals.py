"""Signals that are no pictures, made by code as they are needed: what a recipe and a card say of them."""

from __future__ import annotations

from recon.data.sets import DataSet

SIGNALS: dict[str, DataSet] = {
    found.name: found
    for found in [
        DataSet(
            name="sextics",
            title="random sextics",
            file="",
            channels=1,
            terms="none needed",
            source="made by `recon.curves.sextics`, no two alike",
        ),
        DataSet(
            name="chairs",
            title="chairs made by code",
            file="",
            channels=1,
            terms="none needed",
            source="made by `recon.shapes.chairs`, no two alike",
        ),
        DataSet(
            name="clips",
            title="clips made by code",
            file="",
            channels=1,
            terms="none needed",
            source="made by `recon.clips`, no two alike",
        ),
    ]
}
