"""A checkpoint's card: the README.md of its folder, with the Hub's front matter and what was measured."""

from __future__ import annotations

from pathlib import Path

from recon.training.recipe import Recipe
from recon.transfer import CARD, read_config

# the Hub knows no name for "non-commercial research only", so such a licence is "other" and named in the card
RESEARCH = ["license: other", "license_name: non-commercial-research"]
UNITS = """PSNR is over all pixels with the observed ones kept;
bits/dim (256 levels) and coverage are over unobserved ones."""


def write(folder: Path, found: Recipe, table: str | None = None, command: str = "", about: str = UNITS) -> None:
    """Write the card of the checkpoint in `folder`, made by the recipe `found`.

    table    what was measured, as Markdown, the `command` that prints it, and what its numbers are `about`;
             None where nothing was measured yet
    """
    said = read_config(folder)["checkpoint"]
    licence = RESEARCH if "non-commercial" in said["licence"] else ["license: apache-2.0"]
    lines = [
        "---",
        *licence,
        "library_name: recon",
        "pipeline_tag: image-to-image",
        "tags: [image-reconstruction, uncertainty]",
        "---",
        "",
        f"# {said['title']}",
        "",
        said["summary"],
        "",
        f"- **Model**: {said['kind']}, {said['parameters']:,} numbers. From: {said['paper']}.",
        f"- **Trained on**: {said['data']} ({found.data.source}); terms of the data: {found.data.terms}.",
        f"- **Training**: {said['trained']}. {found.notes}",
        f"- **Licence**: {said['licence']}.",
        f"- **Made by**: `python -m recon train {found.name}`",
        "",
        "```python",
        "import recon",
        "",
        f'model = recon.load("{found.name}")',
        "```",
        "",
        "## What it reaches",
        "",
        *measured(table, command, about),
        "",
    ]
    (folder / CARD).write_text("\n".join(lines))


def measured(table: str | None, command: str, about: str) -> list[str]:
    if table is None:
        return ["Not measured yet."]
    return [f"`{command}`, on test pictures that no training saw. {about}", "", table]
