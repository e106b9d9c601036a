"""Sends the figures of a run to W&B, MLflow or Trackio: `python -m rzero_track RUN --to NAME`.

It reads the run's folder and writes only into its `trackers/`. It needs nothing but Python and the tracker's
own package, and no part of the worker.
"""
