"""A checkpoint's card: the README.md of its folder, with the Hub's front matter and what was measured."""

from __future__ import annotations

from pathlib import Path

from recon.models import SIGNALS
from recon.training.recipe import Recipe
from recon.transfer import CARD, WEIGHTS, read_config, size_of

# the Hub knows no name for "non-commercial research only", so such a licence is "other" and named in the card
RESEARCH = ["license: other", "license_name: non-commercial-research"]
PICTURES = ["pipeline_tag: image-to-image", "tags: [image-reconstruction, uncertainty]"]
UNITS = """PSNR is over all pixels with the observed ones kept;
bits/dim (256 levels) and coverage are over unobserved ones."""


def write(folder: Path, found: Recipe, table: str | None = None, command: str = "", about: str = UNITS) -> None:
    """Write the card of the checkpoint in `folder`, made by the recipe `found`.

    table    what was measured, as Markdown, the `command` that prints it, and what its numbers are `about`;
             None where nothing was measured yet
    """
    said, size = read_config(folder)["checkpoint"], size_of(folder / WEIGHTS)
    licence = RESEARCH if "non-commercial" in said["licence"] else ["license: apache-2.0"]
    lines = [
        "---",
        *licence,
        "library_name: recon",
        *(["tags: [regression, uncertainty]"] if found.kind in SIGNALS else PICTURES),
        "---",
        "",
        f"# {said['title']}",
        "",
        said["summary"],
        "",
        f"- **Model**: {said['kind']}, {said['parameters']:,} numbers, {size}. From: {said['paper']}.",
        f"- **Trained on**: {said['data']} ({found.data.source}); terms of the data: {found.data.terms}.",
        f"- **Training**: {said['trained']}. {found.notes}",
        f"- **Licence**: {said['licence']}.",
        f"- **Made by**: `python -m recon train {found.name}`",
        "",
        "```python",
        *loading(found),
        "```",
        "",
        "## What it reaches",
        "",
        *measured(table, command, about, found.data.name if found.kind in SIGNALS else "test pictures"),
        "",
    ]
    (folder / CARD).write_text("\n".join(lines))


def loading(found: Recipe) -> list[str]:
    if found.kind in SIGNALS:
        kind = SIGNALS[found.kind].__name__
        return [
            "from recon import hub",
            f"from recon.models import {kind}",
            "",
            f'model = hub.load_signal("{found.name}", {kind})',
        ]
    return ["import recon", "", f'model = recon.load("{found.name}")']


def measured(table: str | None, command: str, about: str, what: str) -> list[str]:
    if table is None:
        return ["Not measured yet."]
    return [f"`{command}`, on {what} that no training saw. {about}", "", table]
