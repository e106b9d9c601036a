"""What arrives at W&B, MLflow and Trackio, by their own clients, offline: `npm run test:trackers`."""

import json
import os
import sqlite3
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from run_folder import RUN, finish, make_run, step, write_metrics

PACKAGES = ("wandb", "mlflow", "trackio")
pytestmark = pytest.mark.skipif(
    not all(map(find_spec, PACKAGES)), reason="needs the clients: npm run test:trackers"
)

EVALUATION = {"kind": "phase", "iteration": 1, "phase": "evaluation", "mean": 0.25, "seconds": 2}


def track(folder, to, **settings):
    path = str(Path(__file__).parents[1])
    env = {**{name: value for name, value in os.environ.items() if "WANDB" not in name}, "PYTHONPATH": path}
    command = [sys.executable, "-m", "rzero_track", str(folder), "--to", to, "--project", "p", "--name", "n"]
    return subprocess.run(command, env=env | settings, capture_output=True, text=True, timeout=120)


def sent_twice(folder, to, **settings):
    """A run is sent while it goes on, and again when it is finished: what came in between is added."""
    make_run(folder, [step(1, 0.5)])
    first = track(folder, to, **settings)
    assert first.returncode == 0, first.stderr
    write_metrics(folder, [step(1, 0.5), step(2, 0.25), EVALUATION])
    finish(folder, "finished")
    second = track(folder, to, **settings)
    assert second.returncode == 0, second.stderr
    assert "2 points were new" in second.stderr


def wandb_records(path):
    """The records of a .wandb file: a header of 7 bytes, then LevelDB's log format in blocks of 32 KiB."""
    from wandb.proto import wandb_internal_pb2

    content, at, whole = path.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack_from("<IHB", content, at)
        whole += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # Full, or the last part.
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


def test_wandb_offline(tmp_path):
    sent_twice(tmp_path / "a", "wandb", WANDB_MODE="offline")
    rows, config, summary, ids = [], {}, {}, set()
    for path in sorted((tmp_path / "a" / "trackers" / "wandb").glob("offline-run-*/*.wandb")):
        for record in wandb_records(path):
            if record.HasField("run"):
                ids.add((record.run.run_id, record.run.project, record.run.display_name))
            for item in record.config.update:
                config[item.key] = json.loads(item.value_json)
            if record.HasField("history"):
                values = {one.key or one.nested_key[0]: one.value_json for one in record.history.item}
                rows.append({key: json.loads(value) for key, value in values.items()})
            for item in record.summary.update:
                summary[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    assert ids == {(RUN, "p", "n")}
    assert [(row["_step"], row["global_step"]) for row in rows] == [(0, 1), (1, 2), (2, 5)]
    assert [row.get("challenger/loss") for row in rows] == [0.5, 0.25, None]
    assert rows[2]["evaluation/mean"] == 0.25
    assert (config["seed"], config["solver"]) == (1, {"steps": 3})
    assert config["worker"] == {"backend": "mock"}
    assert summary["summary/gain_mean"] == 2.5


def test_wandb_without_credentials(tmp_path):
    make_run(tmp_path / "a", [step(1)])
    ended = track(tmp_path / "a", "wandb", HOME=str(tmp_path), NETRC=str(tmp_path / "netrc"))
    assert ended.returncode == 77, ended.stderr
    assert "rzero_track: W&B does not let us in" in ended.stderr and "WANDB_API_KEY" in ended.stderr


def test_mlflow_in_files(tmp_path):
    store = str(tmp_path / "mlruns")
    sent_twice(tmp_path / "a", "mlflow", MLFLOW_TRACKING_URI=store, MLFLOW_ALLOW_FILE_STORE="true")
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("p")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status, run.data.tags["rzero.run"]) == ("n", "FINISHED", RUN)
    assert run.data.params["solver.steps"] == "3" and "worker.keys" not in run.data.params
    history = client.get_metric_history(run.info.run_id, "challenger/loss")
    assert [(one.step, one.value) for one in history] == [(1, 0.5), (2, 0.25)]
    assert run.data.metrics["summary/mean"] == 75.5


def test_mlflow_without_a_server(tmp_path):
    make_run(tmp_path / "a", [step(1)])
    settings = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ended = track(tmp_path / "a", "mlflow", **settings)
    assert ended.returncode == 69, ended.stderr
    assert "rzero_track: MLflow cannot be reached" in ended.stderr
    assert "look at MLFLOW_TRACKING_URI" in ended.stderr


def test_trackio_in_its_database(tmp_path):
    sent_twice(tmp_path / "a", "trackio", TRACKIO_DIR=str(tmp_path / "trackio"))
    with sqlite3.connect(tmp_path / "trackio" / "p.db") as database:
        rows = database.execute("select run_name, step, metrics from metrics order by id").fetchall()
        configs = database.execute("select config from configs").fetchall()
    database.close()
    assert {name for name, _, _ in rows} == {f"n-{RUN[:8]}"}
    figures = [(at, json.loads(metrics)) for _, at, metrics in rows]
    assert [at for at, _ in figures] == [1, 2, 5, 5]
    assert [one.get("challenger/loss") for _, one in figures] == [0.5, 0.25, None, None]
    assert figures[3][1]["summary/gain_mean"] == 2.5
    assert json.loads(configs[-1][0])["solver"] == {"steps": 3}


def test_trackio_without_a_token(tmp_path):
    make_run(tmp_path / "a", [step(1)])
    ended = track(
        tmp_path / "a", "trackio", TRACKIO_SERVER_URL="http://127.0.0.1:9", TRACKIO_DIR=str(tmp_path)
    )
    assert ended.returncode == 77, ended.stderr
    assert "TRACKIO_WRITE_TOKEN" in ended.stderr
