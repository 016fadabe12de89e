"""Measurements on held-out pictures: the cards' tables, and the papers' tables remade, and experiments of one's own."""
