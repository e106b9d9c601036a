"""Golden numbers of the losses, computed by the code of TRL's GRPOTrainer itself.

Run with TRL 1.16.0 (which needs more than the worker does, so in an environment of its own):

    python -m venv /tmp/trl && /tmp/trl/bin/pip install trl==1.16.0
    /tmp/trl/bin/python py_worker/tests/golden/trl_losses.py > py_worker/tests/golden/trl_losses.json

The trainer is one without a model: it is given log-probs instead of computing them, and its own
`_compute_loss` makes a loss of them, whose gradient autograd takes. The weights of importance sampling come
from the statements of its `_generate_and_score_completions`, which are cut out of that method and run as they
are. Everything is float64. Each case says what TRL is set to, and what a LossSpec says for the same.
"""

from __future__ import annotations

import inspect
import json
import math
import textwrap
from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl import GRPOTrainer

LENGTHS = [6, 3, 1, 5]
ADVANTAGES = [1.3, -0.7, 0.4, -1.6]
LONGEST = 8
"""TRL's max_completion_length."""

BASIC = dict(
    loss_type="grpo", importance_sampling_level="token", epsilon_low=0.2, epsilon_high=0.28, delta=None,
    beta=0.0, cap=None, on_policy=False,
)  # fmt: skip

CASES = {
    "grpo on its own samples": (dict(on_policy=True), dict()),
    "grpo": (dict(), dict()),
    "grpo with kl": (dict(beta=0.04), dict(kl_coef=0.04)),
    "bnpo": (dict(loss_type="bnpo"), dict(aggregation="token", normalizer=15)),
    "dapo": (dict(loss_type="dapo", beta=0.1), dict(aggregation="token", normalizer=15, kl_coef=0.1)),
    "dr_grpo": (dict(loss_type="dr_grpo"), dict(aggregation="token", normalizer=4 * LONGEST)),
    "two-sided clipping": (dict(delta=1.5), dict(dual_clip=1.5)),
    "two-sided clipping, tokens": (
        dict(loss_type="dapo", delta=2.0, beta=0.02),
        dict(aggregation="token", normalizer=15, dual_clip=2.0, kl_coef=0.02),
    ),
    "gspo": (
        dict(importance_sampling_level="sequence", epsilon_low=0.02, epsilon_high=0.05),
        dict(name="gspo", clip_low=0.02, clip_high=0.05),
    ),
    "gspo unclipped": (
        dict(importance_sampling_level="sequence", epsilon_low=0.9, epsilon_high=9.0, beta=0.03),
        dict(name="gspo", clip_low=0.9, clip_high=9.0, kl_coef=0.03),
    ),
    "gspo on its own samples": (
        dict(importance_sampling_level="sequence", on_policy=True),
        dict(name="gspo"),
    ),
    "gspo, tokens": (
        dict(importance_sampling_level="sequence", loss_type="bnpo", epsilon_low=0.9, epsilon_high=9.0),
        dict(name="gspo", aggregation="token", normalizer=15, clip_low=0.9, clip_high=9.0),
    ),
    # TRL's epsilon_high is the bound itself here, and there is none below.
    "cispo": (
        dict(loss_type="cispo", epsilon_high=1.2),
        dict(name="cispo", aggregation="token", normalizer=15, clip_low=1.0, clip_high=0.2),
    ),
    "cispo with importance weights": (
        dict(loss_type="cispo", epsilon_high=5.0, cap=1.1, beta=0.05),
        dict(
            name="cispo", aggregation="token", normalizer=15, clip_low=1.0, clip_high=4.0,
            importance_cap=1.1, kl_coef=0.05,
        ),
    ),
    "grpo with importance weights": (dict(cap=1.2, beta=0.04), dict(importance_cap=1.2, kl_coef=0.04)),
    "dapo with importance weights that none exceeds": (
        dict(loss_type="dapo", cap=100.0),
        dict(aggregation="token", normalizer=15, importance_cap=100.0),
    ),
}  # fmt: skip


def inputs() -> dict[str, torch.Tensor]:
    """Log-probs [sequences, tokens] around each other, as far apart as the bounds and further."""
    generator = torch.Generator().manual_seed(12)
    shape = len(LENGTHS), max(LENGTHS)

    def normal(spread: float) -> torch.Tensor:
        return spread * torch.randn(shape, generator=generator, dtype=torch.float64)

    new = -1.5 - normal(0.6).abs()
    old = new + normal(0.5)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return dict(new=new, old=old, ref=new + normal(0.5), sample=old + normal(0.2), mask=mask.double())


def trainer_of(settings: dict, new: torch.Tensor) -> GRPOTrainer:
    """A trainer with what `_compute_loss` asks for and nothing else."""
    trainer = object.__new__(GRPOTrainer)
    trainer.__dict__.update(
        loss_type=settings["loss_type"],
        importance_sampling_level=settings["importance_sampling_level"],
        epsilon_low=settings["epsilon_low"],
        epsilon_high=settings["epsilon_high"],
        beta=settings["beta"],
        use_vllm=settings["cap"] is not None,
        vllm_importance_sampling_correction=True,
        vllm_importance_sampling_mode="token_truncate",
        vllm_importance_sampling_clip_min=None,
        vllm_importance_sampling_clip_max=settings["cap"],
        max_completion_length=LONGEST,
        current_gradient_accumulation_steps=1,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        aux_loss_enabled=False,
        _entropy_bonus_enabled=False,
        _metrics={"train": defaultdict(list)},
        model=SimpleNamespace(training=True),
        args=SimpleNamespace(delta=settings["delta"], use_bias_correction_kl=False, steps_per_generation=1),
        accelerator=SimpleNamespace(
            num_processes=1, gather=lambda values: values, reduce=lambda values, reduction: values
        ),
        _get_per_token_logps_and_entropies=lambda *args, **kwargs: (new, torch.zeros_like(new), None),
    )
    return trainer


def importance_weights(trainer: GRPOTrainer, old: torch.Tensor, sample: torch.Tensor, mask: torch.Tensor):
    """Run the statements with which TRL corrects for what vLLM drew from."""
    source = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    start = source.index("per_token_logps_diff = (old_per_token_logps - sampling_per_token_logps) * mask")
    end = source.index("# Compute the per-token log probabilities for the reference model", start)
    line = source.rindex("\n", 0, start) + 1
    scope = dict(
        self=trainer,
        old_per_token_logps=old,
        sampling_per_token_logps=sample,
        mask=mask,
        torch=torch,
        math=math,
    )
    exec(textwrap.dedent(source[line:end].rstrip()), scope)
    return scope["vllm_importance_sampling_ratio"]


def case_of(settings: dict, given: dict[str, torch.Tensor]) -> dict:
    """Loss, gradient and metrics by TRL's code."""
    new, mask = given["new"].clone().requires_grad_(), given["mask"]
    trainer = trainer_of(settings, new)
    ids = torch.zeros(mask.shape, dtype=torch.long)
    batch = dict(
        prompt_ids=ids[:, :1],
        prompt_mask=mask[:, :1],
        completion_ids=ids,
        completion_mask=mask,
        advantages=torch.tensor(ADVANTAGES, dtype=torch.float64),
        ref_per_token_logps=given["ref"],
        num_items_in_batch=mask.sum(),
    )
    if not settings["on_policy"]:
        batch["old_per_token_logps"] = given["old"]
    if settings["cap"] is not None:
        batch["importance_sampling_ratio"] = importance_weights(trainer, given["old"], given["sample"], mask)
    loss = trainer._compute_loss(trainer.model, batch)
    loss.backward()
    metrics = trainer._metrics["train"]
    return dict(
        loss=loss.item(),
        gradient=new.grad[mask.bool()].tolist(),
        kl=metrics["kl"][0] if settings["beta"] else None,
        # Of gspo it is a mean over sequences, and with two-sided clipping it leaves out what that clips.
        clip_fraction=metrics["clip_ratio/region_mean"][0]
        if settings["importance_sampling_level"] == "token"
        and settings["delta"] is None
        and settings["loss_type"] != "cispo"
        else None,
    )


def main() -> None:
    """Print the golden file."""
    given = inputs()
    trained = given["mask"].bool()
    defaults = dict(
        name="grpo", aggregation="sequence", normalizer=len(LENGTHS), clip_low=0.2, clip_high=0.28,
        dual_clip=0.0, kl_coef=0.0, importance_cap=0.0,
    )  # fmt: skip
    cases = {}
    for name, (settings, ours) in CASES.items():
        settings = {**BASIC, **settings}
        cases[name] = dict(
            ours={**defaults, **ours}, on_policy=settings["on_policy"], **case_of(settings, given)
        )
    tokens = {name: given[name][trained].tolist() for name in ("new", "old", "ref", "sample")}
    golden = dict(trl=trl.__version__, lengths=LENGTHS, advantages=ADVANTAGES, **tokens)
    print(json.dumps(golden)[:-1] + ',\n"cases": {')
    print(",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items()))
    print("}}")


if __name__ == "__main__":
    main()
