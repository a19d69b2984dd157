"""Words a manifest may hold about a film: fixed lists. Whatever a file says otherwise becomes "other"."""

from __future__ import annotations

from collections.abc import Mapping

VIEWS: Mapping[str, str] = {
    "PA": "PA", "AP": "AP", "LL": "lateral", "RL": "lateral", "LATERAL": "lateral", "LAT": "lateral",
    "RLD": "decubitus", "LLD": "decubitus", "LLO": "oblique", "RLO": "oblique", "RAO": "oblique",
    "LAO": "oblique", "RPO": "oblique", "LPO": "oblique", "OBLIQUE": "oblique",
    "CC": "CC", "MLO": "MLO", "ML": "ML", "LM": "LM",
}  # fmt: skip
SEXES: Mapping[str, str] = {"M": "M", "F": "F", "O": "O"}
LATERALITIES: Mapping[str, str] = {"L": "left", "R": "right", "B": "both", "U": "unpaired"}
MODALITIES = frozenset({
    "CR", "DX", "RG", "RF", "XA", "CT", "MR", "US", "NM", "PT", "MG", "ES", "XC", "SC", "OT", "DM", "GM", "SM", "OP",
    "IO", "PX", "SEG", "RTDOSE", "RTIMAGE", "IVUS", "OCT", "OPT", "BMD", "ECG",
})  # fmt: skip
BODY_PARTS: Mapping[str, str] = {
    **dict.fromkeys((
        "CHEST", "THORAX", "LUNG", "LUNGS", "CHESTPA", "CHESTLAT", "CHEST PA", "CHEST LAT", "CHEST 2 VIEWS", "RIBS",
        "TORAX", "PORT CHEST",
    ), "chest"),
    **dict.fromkeys(("HEART", "CARDIAC", "CORONARY", "LV", "MYOCARDIUM"), "heart"),
    **{part: part.lower() for part in (
        "ABDOMEN", "PELVIS", "HEAD", "BRAIN", "SKULL", "NECK", "SPINE", "CSPINE", "TSPINE", "LSPINE", "SHOULDER",
        "ARM", "ELBOW", "HAND", "WRIST", "HIP", "LEG", "KNEE", "ANKLE", "FOOT", "EXTREMITY", "BREAST", "LIVER",
        "KIDNEY", "SKIN", "EYE", "WHOLEBODY",
    )},
}  # fmt: skip
VENDORS: tuple[tuple[str, str], ...] = (
    ("philips", "Philips"), ("siemens", "Siemens"), ("ge medical", "GE"), ("ge healthcare", "GE"), ("ge", "GE"),
    ("general electric", "GE"), ("canon", "Canon"), ("toshiba", "Toshiba"), ("fuji", "Fujifilm"), ("agfa", "Agfa"),
    ("carestream", "Carestream"), ("kodak", "Kodak"), ("konica", "Konica Minolta"), ("minolta", "Konica Minolta"),
    ("samsung", "Samsung"), ("hologic", "Hologic"), ("shimadzu", "Shimadzu"), ("hitachi", "Hitachi"),
    ("varian", "Varian"), ("swissray", "Swissray"), ("imaging dynamics", "Imaging Dynamics"), ("dürr", "Dürr"),
    ("vidar", "Vidar"), ("sectra", "Sectra"), ("united imaging", "United Imaging"), ("mindray", "Mindray"),
    ("acuson", "Siemens"), ("aloka", "Hitachi"), ("picker", "Picker"), ("marconi", "Marconi"), ("bruker", "Bruker"),
    ("rayence", "Rayence"), ("vieworks", "Vieworks"), ("lumisys", "Lumisys"), ("dermlite", "DermLite"),
    ("fotofinder", "FotoFinder"), ("heine", "Heine"),
)  # fmt: skip
UNITS = frozenset({"HU", "OD", "US", "HU_MOD", "MGML"})


def word(value: str, words: Mapping[str, str]) -> str:
    """The listed word for a value in any case, "other" for a value of no list, "" for none."""
    plain = " ".join(value.strip().strip("\0").upper().split())
    return "" if not plain else words.get(plain, "other")


def vendor(value: str) -> str:
    """The maker's name by its first words, "other" for one of no list, "" for none."""
    plain = value.strip().strip("\0").lower()
    if not plain:
        return ""
    starts = (
        name for start, name in VENDORS if plain == start or plain.startswith((f"{start} ", f"{start},"))
    )
    inside = (name for start, name in VENDORS if len(start) > 3 and start in plain)
    return next(starts, next(inside, "other"))
