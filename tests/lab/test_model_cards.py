"""The published cards against the table of the benchmark, written here by hand; and the registry of methods."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import GeneratorError, NotFoundError
from lab.generators import places
from lab.generators.card_state import ready, route, state
from lab.generators.cards import (
    PUBLISHED,
    all_cards,
    broken_cards,
    check_start,
    get_card,
    list_cards,
    published_cards,
    ready_cards,
)
from lab.generators.load import load
from lab.generators.loaders import LOADERS
from lab.generators.methods import computable, methods
from lab.generators.repositories import wanted

ROOT = Path(__file__).resolve().parents[2]
SD = "StableDiffusionPipeline"
# id: pipeline, hub id, revision, base, LoRA file, parameters, size, steps, guidance, dtype, scheduler, token limit
# less its marks, access.
TABLE = {
    "sd-v1-4": (SD, "", "", "", "", "0.86 B", 512, 50, 7.5, "float32", "", 75, "open"),
    "sd-v1-5": (SD, "", "", "", "", "0.86 B", 512, 50, 7.5, "float32", "", 75, "open"),
    "sd-v2": (SD, "", "", "", "", "0.86 B", 512, 50, 7.5, "float32", "", 75, "open"),
    "sd-v2-1": (
        SD, "raman07/CheXGenBench-Models-SDV-2-1", "", "", "", "0.86 B", 512, 50, 7.5, "float32", "", 75, "open",
    ),
    "radedit": (
        SD, "microsoft/radedit", "", "", "", "0.86 B", 512, 100, 7.5, "float32", "DDIMScheduler", 126, "gated",
    ),
    "pixart-sigma": (
        "PixArtSigmaPipeline", "raman07/CheXGenBench-Models-Pixart-Sigma",
        "ab837e1d3d7b5aeccb4dcbc4d3abcf1c2ed24727", "", "", "0.60 B", 512, 20, 4.5, "float16", "", 299, "open",
    ),
    "sana": (
        "SanaPipeline", "raman07/CheXGenBench-Models-Sana-e20", "6c8989d92e75fbcfc91a82c3570389293867ad6a", "", "",
        "0.60 B", 512, 20, 4.5, "float16", "", 299, "open",
    ),
    "sd-v3-5": (
        "StableDiffusion3Pipeline", "raman07/CheXGenBench-Models-SDV3-5", "",
        "stabilityai/stable-diffusion-3.5-medium", "sd3-5_medium_lora.safetensors", "2.5 B", 1024, 40, 4.5, "float16",
        "", 511, "gated",
    ),
    "lumina": (
        "Lumina2Pipeline", "raman07/CheXGenBench-Models-Lumina2", "", "Alpha-VLLM/Lumina-Image-2.0",
        "lumina2_lora.safetensors", "2.6 B", 1024, 50, 4, "bfloat16", "", 225, "open",
    ),
    "flux": (
        "FluxPipeline", "raman07/CheXGenBench-Models-SDV-Flux", "", "black-forest-labs/FLUX.1-dev",
        "flux_lora.safetensors", "12 B", 512, 50, 3.5, "bfloat16", "", 511, "gated",
    ),
    "llm-cxr": ("", "", "", "", "", "12 B as printed", 256, 1, 0, "float32", "", 0, "open"),
    "roentgen-v1": (SD, "", "", "", "", "0.86 B", 512, 75, 4, "float32", "", 75, "credentialed"),
    "roentgen-v2": (
        SD, "stanfordmimi/RoentGen-v2", "c88d2bf041a448f505fc13dc009d6991be1c9b0f", "", "", "0.86 B", 512, 75, 3,
        "bfloat16", "PNDMScheduler", 75, "open",
    ),
}  # fmt: skip
OPTIONS = {
    "sana": {"use_resolution_binning": False, "max_sequence_length": 300},
    "pixart-sigma": {"use_resolution_binning": False, "max_sequence_length": 300, "clean_caption": False},
    "sd-v3-5": {"max_sequence_length": 512},
    "lumina": {"cfg_trunc_ratio": 0.25, "cfg_normalization": True},
    "flux": {"max_sequence_length": 512},
}
MIRRORED = {"sd-v1-4", "sd-v1-5", "sd-v2", "sd-v2-1", "pixart-sigma", "sana", "sd-v3-5", "lumina", "flux"}


@pytest.mark.row("C1", "R2")
@pytest.mark.parametrize("name", TABLE)
def test_card_equals_its_row(workspace: Path, name: str) -> None:
    card = get_card(name)
    assert card.published and card.conditioning == "text" and card.modality == "chest radiograph"
    found = (
        card.pipeline, card.hub_id, card.revision, card.base, card.lora, card.parameters, card.size, card.steps,
        card.guidance, card.dtype, card.scheduler, card.token_limit, card.access,
    )  # fmt: skip
    assert found == TABLE[name]
    assert card.options == OPTIONS.get(name, {})
    assert card.flipped is (name in MIRRORED)
    assert card.licence and card.gate and card.citation and card.training_dataset


@pytest.mark.row("C1", "C3")
def test_radedit_is_put_together_from_three_repositories(workspace: Path) -> None:
    card = get_card("radedit")
    assert card.scheduler_settings == {
        "beta_schedule": "linear", "clip_sample": False, "prediction_type": "epsilon", "timestep_spacing": "trailing",
        "steps_offset": 1,
    }  # fmt: skip
    assert {one.hub_id for one in places.needed_repositories(card)} == {
        "microsoft/radedit", "stabilityai/sdxl-vae", "microsoft/BiomedVLP-BioViL-T",
    }  # fmt: skip


@pytest.mark.row("C1")
def test_sanas_instruction_is_a_recorded_switch_and_loras_have_a_strength(workspace: Path) -> None:
    [knob] = get_card("sana").knobs
    assert (knob.name, knob.low, knob.high, knob.step) == ("complex_human_instruction", 0, 1, 1)
    for name in ("sd-v3-5", "lumina", "flux"):
        assert [knob.name for knob in get_card(name).knobs] == ["lora_scale"]


@pytest.mark.row("C1")
def test_every_shipped_card_reads_and_its_loader_exists(workspace: Path) -> None:
    ids = {card.id for card in published_cards()}
    assert ids == {file.stem for file in PUBLISHED.glob("*.yaml")}
    others = {
        "stylegan2-ada", "skingenbench-ddpm", "cardiac-ldm", "cardiac-flow-mask", "cardiac-controlnet", "cardiac-spade",
    }  # fmt: skip
    assert ids == set(TABLE) | others
    assert broken_cards() == []
    assert {card.loader for card in published_cards()} <= set(LOADERS.names())
    for card in published_cards():
        assert card.licence and card.citation and card.training_dataset and card.gate, card.id


@pytest.mark.row("C1")
@pytest.mark.parametrize("call", [get_card, lambda name: load(get_card(name))])
def test_unknown_id_is_one_sentence(workspace: Path, call) -> None:
    with pytest.raises(
        NotFoundError, match=r"no generator of that id; .*phantom-cxr.*published ones: .*sana"
    ):
        call("chexgen")


@pytest.mark.row("C1", "R1")
@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("sana", "download", "generators download sana"),
        ("roentgen-v2", "download", "generators download roentgen-v2"),
        ("sd-v1-4", "incomplete", "fill sd-v1-4 --folder FOLDER, or --hub-id"),
        ("sd-v2-1", "commit", "generators pin sd-v2-1"),
        ("flux", "commit", "black-forest-labs/FLUX.1-dev"),
        ("radedit", "commit", "confirm the disclaimer"),
        ("roentgen-v1", "credentialed", "credentialed user of MIMIC-CXR"),
        ("llm-cxr", "incomplete", "github.com/hyn2028/llm-cxr"),
    ],
)
def test_a_model_that_is_not_here_is_listed_refused_and_tells_the_route(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, code: str, words: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    card = get_card(name)
    told = state(card)
    assert told.code == code and words in told.reason and told.word
    assert name in [one.id for one in all_cards()]
    assert name not in [one.id for one in (*ready_cards(), *list_cards())] and not ready(card)
    with pytest.raises(GeneratorError) as caught:
        load(card, "cpu")
    if code != "commit":
        assert words in str(caught.value)
    assert (
        "not pinned" in str(caught.value) or "nothing was" in str(caught.value) or words in str(caught.value)
    )
    if code in ("incomplete", "commit", "credentialed"):
        with pytest.raises(GeneratorError, match=words.split()[-1]):
            wanted(card)
    assert route(card).endswith(".")


@pytest.mark.fault(23)
def test_only_a_shipped_card_may_leave_its_commit_open(workspace: Path, tmp_path: Path) -> None:
    import dataclasses

    from lab.generators.card import card_from_json

    card = get_card("sd-v2-1")
    with pytest.raises(GeneratorError, match="marked as published"):
        check_start(dataclasses.replace(card, root=tmp_path))
    for commit in ("", "main", "0123456"):
        with pytest.raises(GeneratorError, match="full 40-digit commit"):
            card_from_json(card.to_json() | {"published": False, "revision": commit})
    with pytest.raises(GeneratorError, match="not a branch name"):
        card_from_json(card.to_json() | {"revision": "main"})


def test_pages_and_shell_learn_all_this_without_a_network_library_that_computes() -> None:
    code = (
        "import sys\nfor name in ('torch', 'diffusers', 'transformers', 'sklearn'): sys.modules[name] = None\n"
        "from lab.generators.cards import all_cards, ready_cards\nfrom lab.generators.methods import methods\n"
        "print(len(all_cards()), len(ready_cards()), len(methods('sana')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    cards, here, sana = map(int, done.stdout.split())
    assert cards >= 24 and here >= 5 and sana == 1


@pytest.mark.row("CM-04")
def test_registry_is_filtered_by_family_condition_data_and_metric(workspace: Path) -> None:
    found = methods("flow matching + mask")
    assert "cardiac-flow-mask" in [one.card.id for one in found]
    assert all(one.card.family == "flow matching" and one.card.structures for one in found)
    assert {one.card.id for one in methods(families=["GAN"], conditionings=["mask"])} >= {"cardiac-spade"}
    assert {one.card.modality for one in methods(data=["dermoscopy"])} == {"dermoscopy"}
    assert "sana" in [one.card.id for one in methods(data=["MIMIC-CXR"], metric="clip-score")]
    assert methods("flow matching + nonsense") == []
    here = methods(here=True)
    assert here and all(one.state.code == "ready" for one in here)


@pytest.mark.row("CM-04")
def test_metrics_of_an_entry_are_those_whose_needs_it_meets(workspace: Path) -> None:
    text, mask, none = (set(computable(get_card(n))) for n in ("sana", "cardiac-spade", "cardiac-ldm"))
    assert "clip-score" in text and "clip-score" not in mask | none
    assert "kernel-distance" in text & mask & none
    from lab.metrics.registry import all_specs

    masked = {spec.name for spec in all_specs() if "masks" in spec.needs}
    assert masked and masked <= mask and not masked & (text | none)


@pytest.mark.row("CM-04", "C1")
def test_shell_prints_the_registry_as_json_and_as_a_table_for_a_readme(workspace: Path) -> None:
    def call(*words: str) -> str:
        command = [sys.executable, "-m", "lab", "generators", "list", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = json.loads(call("flow matching + mask", "--json"))["generators"]
    assert "cardiac-flow-mask" in [one["id"] for one in told]
    assert {"family", "conditioning", "licence", "access", "asked_for", "weights", "state"} <= set(told[0])
    lines = call("--markdown").splitlines()
    assert len({line.count("|") for line in lines}) == 1, "every row has the same number of cells"
    for card in all_cards():
        [line] = [line for line in lines if f"`{card.id}`" in line]
        assert route(card).replace("|", "/") in line
