"""Names of GPUs that every process of every machine has for them."""

from __future__ import annotations

import socket

import torch


def device_names() -> list[str]:
    """Name the GPU that this process computes on: HOST/UUID, whatever number it has here."""
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return [f"{socket.gethostname()}/{properties.uuid}"]
