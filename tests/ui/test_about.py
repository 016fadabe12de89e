"""The tab about the models."""

import re

from recon import hub
from recon.ui import about


def test_the_introduction_names_every_kind_of_model():
    named = tuple(" ".join(name.lower().split()) for name in re.findall(r"\*\*(.+?)\*\*", about.LEDE, re.DOTALL))
    kinds = {record.title.partition(" · ")[0].lower() for record in hub.checkpoints()}
    assert len(kinds) > 5 and [kind for kind in kinds if not kind.startswith(named)] == []
