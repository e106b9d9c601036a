"""Models from their sources, for one device: shared, whole, or with adapters over a shared base."""

from __future__ import annotations

from pathlib import Path
from weakref import WeakValueDictionary

import torch
from transformers import PreTrainedModel

from rzero_worker import adapters
from rzero_worker.attention import use_own_attention
from rzero_worker.errors import invalid_request
from rzero_worker.linear import use_onednn
from rzero_worker.model import load_model
from rzero_worker.protocol import Training


class Loader:
    """Remembers what it has loaded for as long as somebody holds it."""

    def __init__(self, device: torch.device, dtype: torch.dtype | None = None) -> None:
        """Load to a device. What is not trained has `dtype`, by default bfloat16 on CUDA and else float32."""
        self._device = device
        self.dtype = dtype or (torch.bfloat16 if device.type == "cuda" else torch.float32)
        self._shared: WeakValueDictionary[tuple, PreTrainedModel] = WeakValueDictionary()

    def shared(self, source: str) -> PreTrainedModel:
        """Load a model that nobody changes, once for all who hold it. Adapters are no source of one."""
        folder = Path(source).expanduser()
        # Names, sizes and times of the files: a folder written anew under an old name is another source.
        files = sorted((f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in folder.glob("*"))
        key = (str(folder.absolute()), *files)
        model = self._shared.get(key)
        if model is None:
            model = self._shared[key] = self.whole(source, self.dtype)
        return model

    def is_shared(self, model: PreTrainedModel) -> bool:
        """Whether others may hold a model too, so that it must not be changed."""
        return any(model is shared for shared in self._shared.values())

    def whole(self, source: str, dtype: torch.dtype) -> PreTrainedModel:
        """Load a model with every weight its own, adapters merged into them."""
        model = load_model(adapters.base_of(source), dtype, self._device)
        if adapters.is_adapters(source):
            model = adapters.merged(adapters.load(source, model))
        use_own_attention(model)
        use_onednn(model)
        return model

    def base_of(self, source: str, training: Training | None) -> PreTrainedModel | None:
        """Load what a source's adapters are to be over; None where it is to have no adapters.

        Args:
            source: a model, or a folder of adapters.
            training: of a model that is to be trained, which has adapters if it says so; else None.
        """
        has = adapters.is_adapters(source) if training is None else training.lora_rank > 0
        return self.shared(adapters.base_of(source)) if has else None

    def trainable(self, source: str, base: PreTrainedModel, training: Training) -> PreTrainedModel:
        """Make a model with adapters to be trained: those of the source, or fresh ones.

        Raises invalid_request where the source's are not as `training` wants them.
        """
        if not adapters.is_adapters(source):
            return adapters.attach(base, training.lora_rank, training.lora_alpha)
        model = adapters.load(source, base)
        (config,) = model.peft_config.values()
        for field, seen, there in (
            ("loraRank", training.lora_rank, config.r),
            ("loraAlpha", training.lora_alpha, config.lora_alpha),
        ):
            if seen != there:
                allowed = f"{there}, that of the source's adapters"
                raise invalid_request(f"training.{field}: saw {seen}, allowed is {allowed}")
        return model

    def frozen(self, source: str) -> PreTrainedModel:
        """Load a model that nobody changes; where the source has adapters, over their shared base."""
        base = self.base_of(source, None)
        return self.shared(source) if base is None else adapters.load(source, base).requires_grad_(False)
