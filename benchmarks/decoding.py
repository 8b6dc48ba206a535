"""Decoding one point of the latent map: the page's JavaScript under Node, against PyTorch on one thread."""

from __future__ import annotations

import json
import platform
import re
import statistics
import subprocess
import time
from importlib import metadata
from pathlib import Path

import torch
from playwright._impl._driver import compute_driver_executable

from vae_course import explore, load_digits, zoo
from vae_course.files import replace_file
from vae_course.types import write_json_text

HERE = Path(__file__).parent
ROUNDS, POINTS = 7, 500


def main() -> None:
    """Times both in turns, prints the medians and stores them."""
    torch.set_num_threads(1)
    model = zoo.load("vae-bernoulli-2d-s0")
    page = explore.LatentMap(model, load_digits()).to_html()
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    z = torch.randn(POINTS, 2, generator=torch.Generator().manual_seed(0))
    question = json.dumps({"payload": json.loads(found[1])["payload"], "z": z.tolist()})
    node = str(compute_driver_executable()[0])
    script = HERE.parent / "tests" / "explore" / "js" / "decode.mjs"
    in_page, in_torch = [], []
    for _ in range(ROUNDS):
        answer = subprocess.run([node, script], input=question, capture_output=True, text=True, check=True, timeout=60)
        in_page.append(json.loads(answer.stdout)["milliseconds"])
        start = time.perf_counter()
        for point in z.split(1):
            model.decode(point)
        in_torch.append((time.perf_counter() - start) * 1000 / POINTS)
    ratios = [slow / fast for slow, fast in zip(in_page, in_torch, strict=True)]
    results = {
        "page, ms a point": statistics.median(in_page),
        "PyTorch on one thread, ms a point": statistics.median(in_torch),
        "ratio": {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)},
        "goal, ms a point": 1.0,
        "machine": {
            "processor": platform.machine(),
            "python": platform.python_version(),
            "torch": metadata.version("torch"),
        },
    }
    replace_file(HERE / "results" / "decoding.json", write_json_text(results).encode())
    print(write_json_text(results))


if __name__ == "__main__":
    main()
