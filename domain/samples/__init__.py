"""Sample data that come with the program: two checklists and the figures of a real spring inspection."""

from importlib.resources import files

CHECKLIST_DISTRIBUTION = "checklist_distribution.csv"
"""90 items for a distribution company's stations, columns as `chuncha import checklist` reads them."""

CHECKLIST_KINDERGARTEN = "checklist_kindergarten.csv"
"""31 items for a kindergarten's weekly check, the same columns."""

SPRING_INSPECTION_FIGURES = "spring-inspection-figures.csv"
"""27 figures of one spring inspection: phrase, item, action, quantity, unit of measure, group."""


def sample(name: str) -> bytes:
    """The bytes of one of the files named above."""
    return files(__name__).joinpath(name).read_bytes()
