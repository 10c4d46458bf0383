"""What is seen on the lines and in the stations: hazards made from checklist items, with poles, lines and villages."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random
from uuid import UUID

from chuncha.demo.people import Colleague
from chuncha.demo.photos import Shot, scene_of
from chuncha.demo.spring.bureau import Station
from chuncha.demo.steps import Hazard as AnyHazard
from chuncha.demo.steps import Item
from domain.samples import CHECKLIST_DISTRIBUTION, sample
from statemachines.labels import Level

#: How often an item is found wanting, against 2 for those not named; majors are written by hand.
_OFTEN: Mapping[str, int] = {
    "E01": 12, "E04": 8, "E05": 5, "E08": 4, "E10": 5, "E12": 4, "E13": 4, "E15": 4, "E16": 14, "E18": 5,
    "E19": 5, "E20": 6, "E21": 8, "E22": 8, "E23": 6, "E24": 6, "E28": 8, "E30": 4, "E31": 8, "E32": 10,
    "E35": 12, "E37": 4, "E38": 6, "E39": 6, "E40": 7, "E41": 5, "F06": 4, "F09": 4, "F10": 4, "F19": 5, "F20": 5,
    "D10": 1, "D11": 1, "D20": 1, "D22": 1, "D26": 1, "D08": 1, "D12": 1, "E14": 1, "F14": 1, "E09": 1, "F18": 1,
}  # fmt: skip

_LEVELS = {level.zh: level for level in Level}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard(AnyHazard):
    """A hazard, and the station whose people deal with it."""

    station: Station


class Catalogue:
    """The checklist's items and what people write when one is wanting."""

    def __init__(self) -> None:
        rows = csv.DictReader(io.StringIO(sample(CHECKLIST_DISTRIBUTION).decode()))
        self.items = {
            row["code"]: Item(
                row["code"],
                row["category"],
                row["item"],
                _LEVELS[row["level"]],
                row["measure"],
                int(row["deadline_days"]),
            )
            for row in rows
        }
        self._seen: defaultdict[str, list[str]] = defaultdict(list)
        table = files(__package__).joinpath("seen.csv").read_text(encoding="utf-8")
        for row in csv.DictReader(io.StringIO(table)):
            self._seen[row["code"]].append(row["seen"])
        self._usual = [code for code in self._seen if self.items[code].level is not Level.MAJOR]
        self._weights = [_OFTEN.get(code, 2) for code in self._usual]

    def pick(self, chance: Random, count: int = 1) -> list[Item]:
        """Items found wanting, by how often that happens, each once."""
        picked: dict[str, Item] = {}
        while len(picked) < count:
            code = chance.choices(self._usual, self._weights)[0]
            picked[code] = self.items[code]
        return list(picked.values())

    def see(
        self,
        chance: Random,
        item: Item,
        station: Station,
        *,
        at: datetime,
        by: Colleague,
        source: str,
        level: Level | None = None,
    ) -> Hazard:
        """A hazard of this item at this station, with photos more often than not."""
        line, village = chance.choice(station.lines), chance.choice(station.villages)
        pole = chance.randint(3, 118)
        told = {
            "line": line,
            "village": village,
            "pole": pole,
            "pole2": pole + chance.randint(1, 6),
            "n": chance.randint(2, 4),
            "d": chance.randint(2, 5),
            "e": chance.randint(6, 9),
            "r": chance.choice(("12.5", "14", "18.6", "11.2")),
            "u": chance.randint(18, 34),
            "g": chance.choice(("5.8", "6.0", "5.6")),
        }
        template = chance.choice(self._seen[item.code])
        lat, lon = round(36 + chance.random() / 3, 5), round(112 + chance.random() / 3, 5)
        shots = _photos(chance, item.category, at, lat, lon)
        return Hazard(
            key=UUID(int=chance.getrandbits(128), version=4),
            unit=station.code,
            station=station,
            item=item,
            level=level or item.level,
            words=template.format(**told),
            location=_place(template, item, told, station),
            found_at=at,
            finder=by,
            source=source,
            photos=shots,
        )


def _place(template: str, item: Item, told: Mapping[str, object], station: Station) -> str:
    if "{pole}" in template:
        return f"{told['line']}{told['pole']}号杆"
    if "变台" in template or item.category.endswith("变压器台区"):
        return f"{told['line']}{told['village']}变台"
    if "{village}" in template:
        return f"{told['village']}台区"
    if item.category.startswith("安全管理"):
        return f"{station.short}资料室"
    return f"{station.short}工器具室" if item.category.endswith("安全工器具") else f"{station.short}院内"


def _photos(chance: Random, category: str, at: datetime, lat: float, lon: float) -> tuple[Shot, ...]:
    count = chance.choices((0, 1, 2), (56, 38, 6))[0]
    return tuple(
        Shot(
            scene_of(category),
            False,
            at - timedelta(minutes=number),
            lat,
            lon,
            chance.getrandbits(32),
        )
        for number in range(count)
    )


def before(hazard: Hazard, chance: Random) -> tuple[Shot, ...]:
    """The hazard's photos, one at least."""
    if hazard.photos:
        return hazard.photos
    return (
        Shot(scene_of(hazard.item.category), False, hazard.found_at, 36.2, 112.2, chance.getrandbits(32)),
    )


def after(hazard: Hazard, chance: Random, *, at: datetime) -> Shot:
    """A photo of the same place once it is put right."""
    lat, lon = (hazard.photos[0].lat, hazard.photos[0].lon) if hazard.photos else (36.2, 112.2)
    return Shot(
        scene_of(hazard.item.category), True, at - timedelta(minutes=6), lat, lon, chance.getrandbits(32)
    )
