"""A cardiac MRI prompt from choices, in the phrasing of the phantoms' captions."""

from __future__ import annotations

from dataclasses import dataclass

SLICES = ("Basal", "Mid", "Apical")
PHASES = {"End of filling": "end-diastole", "End of contraction": "end-systole"}
DISEASES = {
    "Normal": "normal heart",
    "Dilated": "dilated cardiomyopathy",
    "Hypertrophic": "hypertrophic cardiomyopathy",
    "Infarction": "myocardial infarction",
    "Right ventricle": "abnormal right ventricle",
}


@dataclass(frozen=True)
class HeartChoice:
    """What was chosen for a short-axis picture; every part may be left out.

    Attributes:
        slice: of `SLICES`.
        phase, disease: titles of `PHASES` and `DISEASES`.
        vendor: as the generator calls it.
        ejection: ejection fraction in percent.
        free: words of one's own, put last.
    """

    slice: str | None = None
    phase: str | None = None
    disease: str | None = None
    vendor: str | None = None
    ejection: int | None = None
    free: str = ""


def compose(choice: HeartChoice) -> str:
    """One sentence, such as "Short-axis cine MRI, mid slice at end-systole, dilated cardiomyopathy, vendor B."."""
    free = " ".join(choice.free.split())
    if choice == HeartChoice(free=choice.free):
        return free
    where = f"{choice.slice.lower()} slice" if choice.slice else ""
    when = f"at {PHASES[choice.phase]}" if choice.phase else ""
    ejection = f"ejection fraction {choice.ejection} %" if choice.ejection is not None else ""
    parts = ["Short-axis cine MRI", f"{where} {when}".strip(), DISEASES.get(choice.disease or "", "")]
    text = ", ".join(part for part in (*parts, choice.vendor or "", ejection) if part) + "."
    return f"{text} {free}" if free else text
