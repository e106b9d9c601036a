"""The probe: the same tokens in every worker of a model."""

from __future__ import annotations

from rzero_worker.probe import probe_tokens


def test_the_probe_is_what_the_readme_says() -> None:
    # 7919 = 8 * 989 + 7, so the tokens go down by one.
    assert probe_tokens(8) == [7, 6, 5, 4, 3, 2, 1, 0] * 2
    assert probe_tokens(151_936)[:3] == [7919, 15838, 23757]
