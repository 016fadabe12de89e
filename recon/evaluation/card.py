"""A checkpoint's card: the README.md of its folder, with the Hub's front matter and what was measured."""

from __future__ import annotations

from recon import hub
from recon.training import recipe
from recon.transfer import CARD, read_config

NON_COMMERCIAL = "cc-by-nc-4.0"


def write(name: str, table: str, limit: int) -> None:
    """Write the card of a bundled checkpoint around a measured `table` (Markdown)."""
    folder = hub.resolve(name)
    said, found = read_config(folder)["checkpoint"], recipe.load(name)
    licence = NON_COMMERCIAL if "non-commercial" in said["licence"] else "apache-2.0"
    command = "table1" if name.startswith("table1") else f"{name} --limit {limit}"
    lines = [
        "---",
        f"license: {licence}",
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
        f"- **Made by**: `python -m recon train {name}`",
        "",
        "```python",
        "import recon",
        "",
        f'model = recon.load("{name}")',
        "```",
        "",
        "## What it reaches",
        "",
        f"`python -m recon evaluate {command}`, on test pictures that no training saw. PSNR is over all pixels with",
        "the observed ones kept; bits/dim (256 levels) and coverage are over unobserved ones.",
        "",
        table,
        "",
    ]
    (folder / CARD).write_text("\n".join(lines))
