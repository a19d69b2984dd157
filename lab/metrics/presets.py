"""Ready choices of metrics: what each published system measures, as data. Names not registered here are passed over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lab.errors import NotFoundError

EVERYTHING = "everything"


@dataclass(frozen=True)
class Preset:
    """One ready choice.

    Args:
        name: the spelling of the command line, lower case with hyphens.
        title: words for the form.
        sentence: what that system measures, in one line.
        metrics: names in the order in which they are computed; none stands for every metric that can be.
        extractors: ids of the extractors its publication used beside the default one, where they are installed.
        by: column it breaks down by, "" for none.
    """

    name: str
    title: str
    sentence: str
    metrics: tuple[str, ...]
    extractors: tuple[str, ...] = ()
    by: str = ""


_QUICK = (
    "kernel-distance", "frechet-distance", "precision", "density", "recall", "coverage", "near-copy-share",
    "closer-to-training", "label-agreement", "clip-score", "retrieval-recall",
)  # fmt: skip
_CHEXGENBENCH = (
    "frechet-distance", "kernel-distance", "inception-score", "radiomics-distance", "precision", "recall", "density",
    "coverage", "clip-score", "re-identification", "pixel-distance", "latent-distance", "closer-to-training",
    "utility-tstr", "utility-augmentation",
)  # fmt: skip
_SKINGENBENCH = (
    "frechet-distance", "kernel-distance", "inception-score", "utility-augmentation", "nndr", "authpct",
    "copy-detection", "closer-to-training",
)  # fmt: skip
_CARDIAC = (
    "frechet-distance", "kernel-distance", "psnr", "ssim", "ms-ssim", "lpips", "mask-dice", "mask-hd95",
    "mask-plausibility", "mask-diversity", "utility-tstr", "nearest-distance", "nndr", "mask-copy-share", "domias",
    "closer-to-training",
)  # fmt: skip
_XING = (
    "xing-fidelity", "xing-privacy", "xing-real-share", "mean-image-size", "feature-std", "mm-fid", "mm-std",
    "frechet-distance", "utility-augmentation", "utility-cross-task", "closer-to-training",
)  # fmt: skip
_PRIVACY = (
    "closer-to-training", "near-copy-share", "nearest-distance", "nndr", "ssim-nearest", "authpct", "c-t",
    "alpha-precision", "copy-detection", "memorisation-index", "extraction-ratio", "m3-memorisation", "mifid",
    "fld-gap", "fls-overfit", "xing-privacy", "re-identification", "mask-copy-share", "gan-leaks",
    "monte-carlo-membership", "domias", "kernel-distance",
)  # fmt: skip

PRESETS: tuple[Preset, ...] = (
    Preset("quick-look", "Quick look", "The headline numbers of each question, in a minute or two.", _QUICK),
    Preset(
        "chexgenbench",
        "CheXGenBench",
        "Distances, precision to coverage, image against text, re-identification and utility, for all films and for "
        "each finding.",
        _CHEXGENBENCH,
        ("rad-dino",),
        "label",
    ),
    Preset(
        "skingenbench",
        "SkinGenBench",
        "FID, KID, Inception Score and what the samples add to a classifier, with the privacy numbers it left out.",
        _SKINGENBENCH,
    ),
    Preset(
        "cardiac-review",
        "Cardiac review",
        "Distances, image against image, masks, utility, nearest neighbours and membership, for each vendor.",
        _CARDIAC,
        (),
        "vendor",
    ),
    Preset(
        "xing",
        "Xing et al.",
        "Copies, realistic and unrealistic samples by nearest neighbours; variety by file size and spread; FID at "
        "several resolutions.",
        _XING,
    ),
    Preset(
        "privacy-audit",
        "Privacy audit",
        "Every way to find a leak from the samples alone, and one distance, because noise is perfectly private.",
        _PRIVACY,
    ),
    Preset(EVERYTHING, "Everything", "Every metric that these two sets allow; it can take long.", ()),
)


def get_preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        NotFoundError: with the known names.
    """
    found = next((one for one in PRESETS if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in PRESETS)
        raise NotFoundError(f"There is no preset of that name; nothing was started; take one of {known}.")
    return found


def chosen_by(preset: Preset, known: Sequence[str], impossible: Collection[str] = ()) -> list[str]:
    """The metrics a preset stands for.

    Args:
        preset: the choice.
        known: registered names, in the order of pages.
        impossible: those that these sets do not allow; left out where the preset asks for everything.
    """
    if preset.metrics:
        return [name for name in preset.metrics if name in known]
    return [name for name in known if name not in impossible]
