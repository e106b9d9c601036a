"""Linear layers through oneDNN are torch's own, and used where they are worth it alone."""

from __future__ import annotations

import copy

import pytest
import torch

from rzero_worker import linear
from rzero_worker.linear import WORTH, Linear, use_onednn


def layer(inputs: int = 64, outputs: int = 128, bias: bool = True) -> torch.nn.Module:
    torch.manual_seed(0)
    plain = torch.nn.Linear(inputs, outputs, bias=bias)
    own = torch.nn.Sequential(copy.deepcopy(plain))
    use_onednn(own)
    return plain, own[0]


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args):
        raise AssertionError("torch's own is not to be called")

    monkeypatch.setattr(linear, "linear", refuse)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(256, 64), (16, 16, 64), (64, 256)])
@torch.no_grad()
def test_large_products_are_those_of_torch(bias: bool, shape: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, own = layer(bias=bias)
    x = torch.randn(shape)
    x = x.t() if shape[-1] != 64 else x  # one that is not contiguous
    assert isinstance(own, Linear) and x.numel() * 128 >= WORTH
    expected = plain(x)
    forbid(monkeypatch)
    torch.testing.assert_close(own(x), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_weights_that_change_in_place_are_seen() -> None:
    plain, own = layer()
    x = torch.randn(256, 64)
    own(x)
    for each in (plain, own):
        each.weight.mul_(2)
    torch.testing.assert_close(own(x), plain(x), atol=1e-5, rtol=0)


def test_gradients_small_products_and_other_types_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, own = layer()
    x = torch.randn(256, 64)
    own(x).square().sum().backward()
    plain(x).square().sum().backward()
    assert torch.equal(own.weight.grad, plain.weight.grad)
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", None)
    with torch.no_grad():
        assert torch.equal(own(x[:3]), plain(x[:3]))
        with torch.autocast("cpu", torch.bfloat16):
            assert own(x).dtype == torch.bfloat16
        assert own.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


def test_other_kinds_of_layers_stay_what_they_are() -> None:
    class Other(torch.nn.Linear):
        pass

    model = torch.nn.Sequential(Other(2, 2), torch.nn.LayerNorm(2), torch.nn.Linear(2, 2))
    use_onednn(model)
    assert [type(module) for module in model] == [Other, torch.nn.LayerNorm, Linear]
