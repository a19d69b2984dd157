"""What a person reads for a class, a vendor or a finding: "Melanoma (MEL)". Requests and files keep the code alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Codes of the public sets' labels, in any case; words alone are their own name.
CODES: Mapping[str, str] = {
    # HAM10000, MILK10k and the ISIC challenges
    "NV": "Melanocytic nevus", "MEL": "Melanoma", "BCC": "Basal cell carcinoma",
    "BKL": "Benign keratosis-like lesion", "SCC": "Squamous cell carcinoma", "SCCKA": "Squamous cell carcinoma",
    "AKIEC": "Actinic keratosis or intraepithelial carcinoma", "AK": "Actinic keratosis", "DF": "Dermatofibroma",
    "VASC": "Vascular lesion", "BEN_OTH": "Other benign lesion", "MAL_OTH": "Other malignant lesion",
    "INF": "Inflammatory or infectious lesion", "UNK": "Unknown lesion",
    # ACDC and M&Ms
    "NOR": "Normal heart", "DCM": "Dilated cardiomyopathy", "HCM": "Hypertrophic cardiomyopathy",
    "MINF": "Myocardial infarction", "RV": "Abnormal right ventricle",
    # Sunnybrook
    "HF-I": "Heart failure with infarction", "HF-NI": "Heart failure without infarction",
    "HYP": "Left ventricular hypertrophy", "N": "Normal heart",
    # phases
    "ED": "End-diastole", "ES": "End-systole",
}  # fmt: skip
# Tables put the noun first.
_TURNED = {"pneumonia bacterial": "bacterial pneumonia", "pneumonia viral": "viral pneumonia"}


def readable(label: str) -> str:
    """A class or finding as words: a known code with its name before it, several findings joined, a capital first.

    >>> readable("mel"), readable("Atelectasis|Pleural_Thickening"), readable("pneumonia_viral")
    ('Melanoma (mel)', 'Atelectasis, pleural thickening', 'Viral pneumonia')
    """
    name = CODES.get(label.strip().upper())
    if name:
        return f"{name} ({label.strip()})"
    joined = ", ".join(map(_words, label.split("|")))
    return joined[:1].upper() + joined[1:]


def vendor_name(vendor: str) -> str:
    """A vendor as words: "Vendor A" for "vendor A" and for the bare letter of the M&Ms sets."""
    bare = vendor.strip()
    if len(bare) == 1 and bare.isalpha():
        return f"Vendor {bare.upper()}"
    return bare[:1].upper() + bare[1:]


def readable_all(labels: Sequence[str]) -> dict[str, str]:
    """Each label with what a person reads for it."""
    return {label: readable(label) for label in labels}


def _words(label: str) -> str:
    """One finding in small letters; abbreviations keep their capitals."""
    told = " ".join(word.lower() if word[1:].islower() else word for word in label.replace("_", " ").split())
    return _TURNED.get(told, told)
