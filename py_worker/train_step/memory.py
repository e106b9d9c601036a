"""Resident memory of this process, in bytes, as Linux tells it; None elsewhere."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")


def resident() -> int | None:
    """What the process holds now."""
    return _field("VmRSS")


def peak() -> int | None:
    """The most it held since it began, or since `forget_peak`."""
    return _field("VmHWM")


def forget_peak() -> None:
    """Let the peak be what is held now; where the kernel does not allow that, it stays."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def _field(name: str) -> int | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    return None
