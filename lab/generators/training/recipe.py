"""Training recipes and the run through their stages: data, autoencoder, text encoder, UNet, export."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.config import settings
from lab.generators.training import private
from lab.generators.training.driven import Clock, TrainingProgress, driven
from lab.generators.training.plant import Plant, check
from lab.generators.training.private import Private
from lab.registry import Registry

STAGES = ("data", "vae", "decoder", "text", "unet", "export")


@dataclass(frozen=True)
class TrainingRecipe:
    """Everything a training run depends on; two runs of one recipe on one machine give the same weights.

    Attributes:
        id, title: of the generator it gives.
        patients, films_per_patient, seed: the phantom dataset; only its training patients are used; 0 patients
            for real films alone.
        twins: give each phantom film a counterfactual twin: the same exposure with the finding on the other side,
            or without it.
        size_twins: give every second film of a patient a twin with the same findings in another size instead.
        dataset: an installed dataset of real films; only its training split is used; "" for phantoms alone.
        captions: label to caption, for a dataset that has labels and no captions.
        held_out: held-out patients kept to measure the autoencoder, one film each, of each source.
        base: the shared autoencoder and text encoder, by name; "" trains its own.
        refines: a base whose decoder alone is trained further: its latents, and all that was trained on them, stay
            valid.
        plant: films that it learns by heart on purpose; for phantoms, and for real films where it is local.
        private: noise and clipping that bound what any one patient adds; None for none.
        local_only: the generator stays on this machine: it is refused among the shipped ones.
        starts: a generator on the same base whose denoiser this one starts from; "" starts from random weights.
        size: image side in pixels.
        vae_*: channels at each scale, latent channels, steps, batch, peak learning rate.
        decoder_steps: further steps of the decoder alone, the latents being settled.
        text_*: width, layers, tokens, steps, batch.
        unet_*: channels at each scale, steps, batch, peak learning rate.
        focus: cells of latents that a smaller finding counts as in the denoiser's loss, up to six times its own; 0
            counts each as it is, so that a nodule weighs a tenth of an effusion.
        guidance: how hard captions pull, by default, when the generator is asked.
        copies: augmented copies of each film whose latents are cached.
        save_s, sheet_s: seconds between checkpoints and between contact sheets.
    """

    id: str
    title: str
    patients: int = 1000
    films_per_patient: int = 2
    seed: int = 0
    twins: bool = False
    size_twins: bool = False
    dataset: str = ""
    captions: tuple[tuple[str, str], ...] = ()
    held_out: int = 60
    base: str = ""
    refines: str = ""
    starts: str = ""
    plant: Plant | None = None
    local_only: bool = False
    private: Private | None = None
    size: int = 128
    vae_channels: tuple[int, ...] = (16, 32, 64, 128)
    latent_channels: int = 12
    vae_steps: int = 4000
    vae_batch: int = 4
    vae_rate: float = 1.5e-3
    decoder_steps: int = 1500
    text_width: int = 128
    text_layers: int = 3
    text_length: int = 32
    text_steps: int = 1000
    text_batch: int = 64
    unet_channels: tuple[int, ...] = (48, 96, 160)
    unet_steps: int = 6500
    unet_batch: int = 16
    unet_rate: float = 8e-4
    focus: float = 0.0
    guidance: float = 2.5
    copies: int = 4
    save_s: float = 300.0
    sheet_s: float = 600.0

    def __post_init__(self) -> None:
        check(self)
        private.check(self)

    @property
    def augments(self) -> bool:
        """Whether films are moved, scaled and re-windowed; a plant decides for itself."""
        return self.plant is None or self.plant.augment

    @property
    def rewords(self) -> bool:
        """Whether captions get other words for the same thing; a plant decides for itself."""
        return self.plant is None or self.plant.reword

    @property
    def mitigation(self) -> str:
        """What a recipe that plants does against copying, in words; "" for nothing."""
        if self.private is not None:
            return "each patient's influence bounded by DP-SGD"
        if self.plant is None:
            return ""
        if self.plant.deduplicated:
            return "repeats taken out"
        return "moved and reworded in training" if self.plant.augment else ""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages this recipe has: a shared base is not trained again, and a base has no denoiser."""
        left_out = {"vae", "decoder", "text"} if self.base else set()
        left_out |= {"vae", "text"} if self.refines else set()
        left_out |= set() if self.unet_steps else {"unet"}
        return tuple(name for name in STAGES if name not in left_out)


RECIPES: Registry[TrainingRecipe] = Registry("training recipe")
BASE = "cxr-base"
PAEDIATRIC = "paediatric-cxr"
# Films to steps: among 768 films, the planted ones are drawn too seldom in 2,400 steps to be learnt by heart.
MEMORISED = {48: 2400, 192: 2400, 768: 4800}
PAEDIATRIC_CAPTIONS = (
    ("normal", "Normal paediatric chest radiograph."),
    ("pneumonia_bacterial", "Bacterial pneumonia, paediatric chest radiograph."),
    ("pneumonia_viral", "Viral pneumonia, paediatric chest radiograph."),
)
RECIPES.register(BASE)(
    TrainingRecipe(
        BASE, "Autoencoder and text encoder of the chest radiograph generators", films_per_patient=1,
        dataset=PAEDIATRIC, captions=PAEDIATRIC_CAPTIONS, vae_steps=4400, decoder_steps=2200, text_steps=1400,
        unet_steps=0,
    )
)  # fmt: skip
RECIPES.register("cxr-base-decoder")(
    TrainingRecipe(
        "cxr-base-decoder", "Autoencoder and text encoder of the chest radiograph generators", films_per_patient=1,
        dataset=PAEDIATRIC, captions=PAEDIATRIC_CAPTIONS, refines=BASE, decoder_steps=6500, unet_steps=0,
    )
)  # fmt: skip
RECIPES.register("phantom-cxr")(
    TrainingRecipe(
        "phantom-cxr",
        "Phantom chest radiographs",
        films_per_patient=3,
        base=BASE,
        twins=True,
        unet_steps=11500,
    )
)
RECIPES.register("phantom-cxr-further")(
    TrainingRecipe(
        "phantom-cxr-further", "Phantom chest radiographs", films_per_patient=5, base=BASE, starts="phantom-cxr",
        twins=True, size_twins=True, copies=3, focus=20.0, unet_steps=8000, unet_rate=5e-4,
    )
)  # fmt: skip
RECIPES.register(PAEDIATRIC)(
    TrainingRecipe(
        PAEDIATRIC, "Paediatric chest radiographs", patients=0, base=BASE, dataset=PAEDIATRIC,
        captions=PAEDIATRIC_CAPTIONS, copies=6, unet_steps=5000,
    )
)  # fmt: skip


RECIPES.register("paediatric-cxr-further")(
    TrainingRecipe(
        "paediatric-cxr-further", "Paediatric chest radiographs", patients=0, base=BASE, starts=PAEDIATRIC,
        dataset=PAEDIATRIC, captions=PAEDIATRIC_CAPTIONS, copies=6, unet_steps=2500, unet_rate=4e-4,
    )
)  # fmt: skip


def memorised(films: int) -> TrainingRecipe:
    """An over-trained sibling of the phantom generator: `films` films of the phantom dataset, 20 of them repeated.

    The siblings differ in the number of films, and the largest in steps: same planted films, same draw.
    """
    return TrainingRecipe(
        f"phantom-cxr-memorised-{films}", f"Over-trained to copy {films} phantom films",
        films_per_patient=3, held_out=0, base=BASE, plant=Plant(films, planted=20, repeats=20), copies=1,
        unet_channels=(48, 96, 112), unet_steps=MEMORISED[films], guidance=1.0,
    )  # fmt: skip


for _films in MEMORISED:
    RECIPES.register(memorised(_films).id)(memorised(_films))

# What is done to the sibling of 192 films so that it copies less, one thing at a time.
RECIPES.register("phantom-cxr-deduplicated-192")(
    replace(
        memorised(192), id="phantom-cxr-deduplicated-192", title="192 phantom films, repeats taken out",
        plant=Plant(192, planted=20, repeats=20, deduplicated=True),
    )
)  # fmt: skip
RECIPES.register("phantom-cxr-augmented-192")(
    replace(
        memorised(192), id="phantom-cxr-augmented-192", title="192 phantom films, moved and reworded in training",
        plant=Plant(192, planted=20, repeats=20, augment=True, reword=True), copies=16,
    )
)  # fmt: skip
for _noise, _steps in ((0.8, 1200), (4.0, 300)):
    _name = f"phantom-cxr-private-192-noise-{_noise:g}".replace(".", "-")
    RECIPES.register(_name)(
        replace(
            memorised(192), id=_name, title=f"192 phantom films, trained by DP-SGD with noise {_noise:g}",
            plant=Plant(192, planted=20, repeats=20, deduplicated=True), private=Private(_noise), unet_steps=_steps,
        )
    )  # fmt: skip
MITIGATED = tuple(name for name in RECIPES.names() if RECIPES.get(name).mitigation)
# The same leak on films of patients, to be audited on the machine where the films are and nowhere else.
RECIPES.register("paediatric-cxr-memorised")(
    TrainingRecipe(
        "paediatric-cxr-memorised", "Over-trained to copy real paediatric films", patients=0, held_out=0, base=BASE,
        dataset=PAEDIATRIC, captions=PAEDIATRIC_CAPTIONS, plant=Plant(192, planted=20, repeats=20), local_only=True,
        copies=1, unet_channels=(48, 96, 112), unet_steps=MEMORISED[192], guidance=1.0,
    )
)  # fmt: skip


def train(
    recipe: str | TrainingRecipe,
    minutes: float | None = None,
    resume: bool = False,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    folder: Path | None = None,
    stages: Sequence[str] | None = None,
) -> Generator[TrainingProgress, None, Path | None]:
    """Train a generator; yields after every few steps, returns when it is exported or the minutes are over.

    Args:
        recipe: id of a registered recipe, or a recipe.
        minutes: stop, checkpointed, after this long; None means until it is finished.
        resume: go on from the last checkpoint; otherwise an earlier run's folder is kept under another name.
        on_progress: called with what is yielded; what it raises stops the run, checkpointed.
        folder: where checkpoints and contact sheets go; by default in the workspace.
        stages: take only these of the recipe's own, so that decoder and denoiser can be trained side by side.

    Returns:
        (through `StopIteration.value`) the exported card's path, or None when time ran out before the export.

    Raises:
        NotFoundError: for an unknown recipe.
        InputError: for minutes out of range.
        DatasetError: when the recipe has no training films.
    """
    from lab.generators.training import clip

    if recipe == clip.PHANTOM_CLIP.id:
        return (yield from clip.train(clip.PHANTOM_CLIP, minutes, resume, on_progress, folder, stages))
    chosen = RECIPES.get(recipe) if isinstance(recipe, str) else recipe
    wanted = [stage for stage in chosen.stages if stages is None or stage in stages]
    return (
        yield from driven(
            chosen.id,
            lambda place, clock: _stages(chosen, place, clock, wanted),
            minutes,
            resume,
            on_progress,
            folder,
        )
    )


def _stages(
    recipe: TrainingRecipe, place: Path, clock: Clock, stages: Sequence[str]
) -> Generator[TrainingProgress, None, Path | None]:
    from lab.generators.training import data, decoder, export, text, unet, vae

    if "data" in stages:
        for progress in data.prepare(recipe, place):
            yield progress
            # Finished chunks are kept: the next call goes on with the films that are missing.
            if progress.done < progress.total and clock.out_of_time():
                return None
    for stage in (vae, decoder, text, unet):
        if stage.STAGE in stages and not (yield from stage.train(recipe, place, clock)):
            return None
    if "export" not in stages:
        return None
    yield TrainingProgress("export", 0, 1)
    # A base keeps its name: from now on generators that are trained here are trained on it.
    named = recipe.refines or recipe.id
    place_of = {True: Path("generators") / f"{recipe.id}-local", False: Path("bases") / named}
    target = settings().workspace / place_of[bool(recipe.unet_steps)]
    card = export.export(recipe, place, target, generator=target.name)
    yield TrainingProgress("export", 1, 1)
    return card
