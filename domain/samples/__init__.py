"""Sample data that come with the program: checklists, standard hazards, the figures of a real spring inspection."""

from importlib.resources import files

CHECKLIST_DISTRIBUTION = "checklist_distribution.csv"
"""90 items for a distribution company's stations, columns as `chuncha import checklist` reads them."""

CHECKLIST_KINDERGARTEN = "checklist_kindergarten.csv"
"""31 items for a kindergarten's weekly check, the same columns."""

STANDARD_HAZARDS = "standard_hazards.csv"
"""102 standard hazards made from the 90 items, columns as `chuncha import hazards` reads them."""

SPRING_INSPECTION_FIGURES = "spring-inspection-figures.csv"
"""27 figures of one spring inspection: phrase, item, action, quantity, unit of measure, group."""


def sample(name: str) -> bytes:
    """The bytes of one of the files named above."""
    return files(__name__).joinpath(name).read_bytes()
