"""From the free words of SUN RGB-D's annotators to the 37 classes that papers score.

The mapping is deliberately narrow: a word that is not clearly one of the classes stays void, as in the official
label maps, where about a tenth of the pixels belong to no class.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rgbd_seg.labels import LabelSet

LABEL_SET = "sunrgbd37"

# Class -> other words for it, in the singular. The class names themselves need no entry.
_SYNONYMS = {
    "cabinet": ("cupboard", "kitchen cabinet", "filing cabinet", "file cabinet", "cabinets drawers", "wardrobe"),
    "chair": ("armchair", "arm chair", "office chair", "swivel chair", "wheelchair", "chair back", "chairs"),
    "sofa": ("couch", "loveseat", "love seat", "sofa chair", "sofa bed"),
    "table": ("coffee table", "dining table", "end table", "side table", "table top", "tabletop", "tea table"),
    "window": ("window pane", "window frame"),
    "bookshelf": ("bookcase", "book shelf", "book case", "bookshelves", "bookrack"),
    "picture": ("painting", "photo", "photograph", "poster", "picture frame", "photo frame", "wall picture"),
    "counter": ("countertop", "counter top", "kitchen counter", "bar counter"),
    "blinds": ("blind", "window blind", "window blinds", "roller blind"),
    "desk": ("computer desk", "work desk", "writing desk", "office desk"),
    "shelves": ("shelf", "rack", "storage shelf", "shelving", "storage rack", "wall shelf"),
    "curtain": ("drape", "drapes", "window curtain"),
    "pillow": ("cushion",),
    "floor_mat": ("rug", "carpet", "mat", "door mat", "doormat", "bath mat", "floormat"),
    "clothes": ("cloth", "clothing", "clothe", "jacket", "shirt", "coat", "trousers", "sweater"),
    "ceiling": ("roof",),
    "books": ("book", "textbook", "notebook"),
    "fridge": ("refrigerator", "refridgerator", "mini fridge"),
    "tv": ("television", "tv screen", "tv set", "televison"),
    "paper": ("papers", "sheet of paper", "paper sheet"),
    "box": ("boxes", "cardboard box", "carton", "cardboard", "storage box", "paper box"),
    "whiteboard": ("white board", "dry erase board"),
    "person": ("people", "man", "woman", "human", "boy", "girl", "child"),
    "night_stand": ("nightstand", "bedside table", "bed side table", "night table", "bedside cabinet"),
    "sink": ("washbasin", "wash basin", "basin", "kitchen sink"),
    "lamp": ("light", "table lamp", "floor lamp", "desk lamp", "standing lamp", "bedside lamp", "lamp shade"),
    "bathtub": ("tub", "bath tub", "bath"),
    "bag": ("backpack", "handbag", "purse", "plastic bag", "paper bag", "suitcase", "luggage", "back pack"),
    "dresser": ("chest of drawers",),
    "shower_curtain": (),
    "floor": ("ground", "flooring"),
    "toilet": ("toilet bowl", "toilet seat"),
    "bed": ("bunk bed", "mattress"),
}


@lru_cache(maxsize=1)
def _ids() -> dict[str, int]:
    labels = LabelSet.load(LABEL_SET)
    ids = {name.replace("_", " "): labels.id_of(name) for name in labels.names}
    for name, others in _SYNONYMS.items():
        for other in others:
            ids.setdefault(other, labels.id_of(name))
    return ids


def class_id(name: str) -> int:
    """The id (1..37) of what an annotator called an object, 0 (void) if it is none of the classes.

    Numbers, plurals and remarks behind a colon or in brackets do not matter: "Chair 2", "chairs", "chair:truncated".
    """
    words = re.sub(r"[:(\[/].*|\d+", " ", name.lower()).replace("_", " ").replace("-", " ").split()
    text = " ".join(words)
    ids = _ids()
    for candidate in (text, text.removesuffix("s"), text.removesuffix("es")):
        if candidate in ids:
            return ids[candidate]
    return 0
