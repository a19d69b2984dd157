"""How a published StyleGAN2 generator becomes a folder that the lab opens; the lab itself never unpickles anything.

Published generators are pickles, and opening a pickle runs whatever it holds. So the conversion is done by the user,
outside the lab: in a container without network and without files of value, with the release that the generator was
made for (https://github.com/NVlabs/stylegan2-ada-pytorch or its successor stylegan3, both for non-commercial use).
What comes out holds numbers and a table of settings only, and every tensor is checked when it is loaded.
"""

from __future__ import annotations

SCRIPT = """\
# convert.py SOURCE.pkl FOLDER: run inside the release's own folder, in a container without network.
import json, pathlib, sys
import dnnlib, legacy
from safetensors.torch import save_file

source, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with dnnlib.util.open_url(source) as stream:
    G = legacy.load_network_pkl(stream)["G_ema"].cpu().eval()
folder.mkdir(parents=True, exist_ok=True)
tensors = {name: value.detach().float().contiguous().clone() for name, value in G.state_dict().items()}
save_file(tensors, str(folder / "generator.safetensors"))
blocks = [getattr(G.synthesis, f"b{side}") for side in G.synthesis.block_resolutions]
widths = [block.conv1.weight.shape[0] for block in blocks]
config = {
    "img_resolution": G.img_resolution, "img_channels": G.img_channels,
    "z_dim": G.z_dim, "c_dim": G.c_dim, "w_dim": G.w_dim, "mapping_layers": G.mapping.num_layers,
    "channel_base": widths[-1] * G.img_resolution, "channel_max": max(widths),
    "architecture": blocks[-1].architecture, "use_noise": blocks[-1].conv1.use_noise,
    "conv_clamp": blocks[-1].conv1.conv_clamp,
}
(folder / "config.json").write_text(json.dumps(config, indent=1))
"""

CARD = """\
{"id": "my-stylegan2", "title": "My StyleGAN2", "family": "GAN", "conditioning": "none", "loader": "stylegan2",
 "folder": "FOLDER", "size": 256, "steps": 1, "guidance": 0, "colour": "rgb",
 "knobs": [{"name": "psi", "title": "Truncation", "low": 0, "high": 1.5, "default": 0.8}]}
"""

STEPS = (
    "Get the release that the generator was made for, and the generator itself.",
    "In a container without network, inside the release's folder, run: python convert.py SOURCE.pkl FOLDER",
    "Write a card with the size of its images; give `classes` in the order of training where it has classes.",
    "Add it with: python -m lab generators add CARD.json",
)


def recipe() -> str:
    """The whole recipe as Markdown: steps, script and a card to start from."""
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(STEPS, 1))
    return f"{steps}\n\n```python\n{SCRIPT}```\n\n```json\n{CARD}```\n"
