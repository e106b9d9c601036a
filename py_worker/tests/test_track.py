import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_folder import RUN, beat, finish, make_run, step, write_metrics

from rzero_track.errors import NoRun, Refused, Unavailable
from rzero_track.life import STILL_SECONDS, Life
from rzero_track.points import phase_steps, point_of
from rzero_track.run import Run
from rzero_track.sender import PATIENCE_SECONDS, Sender
from rzero_track.sent import Sent
from rzero_track.tail import Tail
from rzero_track.tracker import Identity

ROOT = Path(__file__).parents[2]


class Clock:
    """Virtual time; what is to happen while the sender waits happens then."""

    def __init__(self, *events):
        self.time = 0.0
        self.events = list(events)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds
        if self.events:
            self.events.pop(0)()


class Recorder:
    """A tracker that remembers, beyond its clients."""

    def __init__(self):
        self.rows, self.config, self.summary, self.status, self.opened = [], None, None, None, 0
        self.fails = []
        self.has = None

    def open(self, identity, config, sent):
        self.opened += 1
        if self.fails:
            raise self.fails.pop(0)
        self.identity, self.config = identity, config
        return sent if self.has is None else min(sent, self.has)

    def send(self, points, first):
        if self.fails:
            raise self.fails.pop(0)
        self.rows += [(first + index, point.step, point.values) for index, point in enumerate(points)]

    def summarize(self, values, step):
        self.summary = (values, step)

    def close(self, status):
        self.status = status


@pytest.fixture
def said():
    return []


@pytest.fixture
def sender_for(said):
    opened = []

    def make(folder, tracker, clock=None):
        # A process after another.
        while opened:
            opened.pop().close()
        run = Run(folder)
        sent = Sent(folder, "fake", run.id)
        opened.append(sent)
        assert sent.acquire()
        identity = Identity(run.id, "project", "name", "", str(folder))
        return Sender(run, identity, sent, lambda: tracker, clock or Clock(), said.append)

    yield make
    for sent in opened:
        sent.close()


def test_points_are_those_of_the_fixture_that_both_languages_have():
    fixture = json.loads((ROOT / "test/fixtures/trackers.json").read_text())
    steps = phase_steps(fixture["config"], [one["line"] for one in fixture["lines"]])
    assert steps == fixture["steps"]
    for one in fixture["lines"]:
        point = point_of(one["line"], steps)
        assert (point and {"step": point.step, "iteration": point.iteration, "values": point.values}) == one[
            "point"
        ]


def test_a_finished_run_is_sent_once_with_what_it_came_to(tmp_path, sender_for):
    make_run(tmp_path / "a", [step(1), step(2), {"kind": "workers", "message": "came"}], "finished")
    tracker = Recorder()
    assert sender_for(tmp_path / "a", tracker).once() == 2
    assert tracker.rows == [(0, 1, {"challenger/loss": 0.5}), (1, 2, {"challenger/loss": 0.5})]
    assert tracker.summary == (
        {"summary/greedy": 75.5, "summary/mean": 75.5, "summary/gain_greedy": 2.5, "summary/gain_mean": 2.5},
        2,
    )
    assert (tracker.status, tracker.identity.id) == ("finished", RUN)
    assert tracker.config["worker"] == {"backend": "mock"}


def test_what_was_sent_is_not_sent_again(tmp_path, sender_for):
    folder = make_run(tmp_path / "a", [step(1)])
    tracker = Recorder()
    sender_for(folder, tracker).once()
    write_metrics(folder, [step(1, 0.75), step(2)])
    assert sender_for(folder, tracker).once() == 1
    assert [row[0] for row in tracker.rows] == [0, 1]


def test_what_a_tracker_has_lost_is_sent_again(tmp_path, sender_for):
    folder = make_run(tmp_path / "a", [step(1), step(2)])
    tracker = Recorder()
    sender_for(folder, tracker).once()
    tracker.has = 1
    assert sender_for(folder, tracker).once() == 1
    assert [row[:2] for row in tracker.rows] == [(0, 1), (1, 2), (1, 2)]


def test_a_record_of_another_run_or_a_damaged_one_does_not_count(tmp_path, sender_for):
    folder = make_run(tmp_path / "a", [step(1)])
    (folder / "trackers").mkdir()
    for content in ('{"run": "other", "sent": ["1/challenger/1"]}', '{"run": "0a'):
        (folder / "trackers" / "fake.json").write_text(content)
        assert sender_for(folder, Recorder()).once() == 1


def test_one_process_at_a_time_sends(tmp_path):
    (tmp_path / "a").mkdir()
    one, other = Sent(tmp_path / "a", "fake", RUN), Sent(tmp_path / "a", "fake", RUN)
    assert one.acquire() and not other.acquire()
    one.close()
    assert other.acquire()
    other.close()


def test_a_run_is_followed_to_its_end_and_no_longer(tmp_path, sender_for):
    folder = make_run(tmp_path / "a", [step(1)])

    def end():
        write_metrics(folder, [step(1), step(2), step(1, phase="solver")])
        finish(folder, "finished")

    clock = Clock(lambda: write_metrics(folder, [step(1), step(2)], torn='{"kind":"st'), end)
    tracker = Recorder()
    sender_for(folder, tracker, clock).follow(Life(Run(folder), clock.now))
    assert [row[:2] for row in tracker.rows] == [(0, 1), (1, 2), (2, 3)]
    assert (tracker.opened, tracker.status, clock.time) == (1, "finished", 2.0)


def test_a_tracker_that_is_down_is_tried_again(tmp_path, sender_for, said):
    folder = make_run(tmp_path / "a", [step(1)])
    tracker = Recorder()
    tracker.fails = [Unavailable("down"), Unavailable("down"), Unavailable("down")]
    clock = Clock(*[lambda: None] * 3, lambda: finish(folder, "stopped"))
    sender_for(folder, tracker, clock).follow(Life(Run(folder), clock.now))
    assert (len(tracker.rows), tracker.status) == (1, "stopped")
    assert said == ["down; it is tried again"]
    assert clock.time == 2 + 4 + 8 + 1


def test_a_tracker_that_stays_down_is_given_up_some_time_after_the_end(tmp_path, sender_for):
    folder = make_run(tmp_path / "a", [step(1)], "failed")
    tracker = Recorder()
    tracker.fails = [Unavailable("down")] * 99
    clock = Clock()
    with pytest.raises(Unavailable):
        sender_for(folder, tracker, clock).follow(Life(Run(folder), clock.now))
    assert PATIENCE_SECONDS < clock.time < PATIENCE_SECONDS + 121


def test_refused_credentials_are_not_tried_again(tmp_path, sender_for):
    tracker = Recorder()
    tracker.fails = [Refused("who are you?")]
    clock = Clock()
    folder = make_run(tmp_path / "a", [])
    with pytest.raises(Refused):
        sender_for(folder, tracker, clock).follow(Life(Run(folder), clock.now))
    assert tracker.opened == 1


def test_a_run_whose_orchestrator_is_gone_is_over(tmp_path):
    folder = make_run(tmp_path / "a", [])
    clock = Clock()
    life = Life(Run(folder), clock.now)
    for number in range(2, 30):
        clock.sleep(5)
        beat(folder, number)
        assert not life.is_over()
    clock.sleep(STILL_SECONDS)
    assert not life.is_over()
    clock.sleep(1)
    assert life.is_over()
    beat(folder, 99, released=True)
    assert Life(Run(folder), clock.now).is_over()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(NoRun, match="is not a run folder"):
        Run(tmp_path)
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "0001.jsonl").write_text('{"seq":1,"att')
    with pytest.raises(NoRun):
        Run(tmp_path)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20), st.booleans()), max_size=8))
def test_every_line_is_read_however_the_file_comes_to_be(tmp_path_factory, writes):
    path = tmp_path_factory.mktemp("tail") / "metrics.jsonl"
    tail = Tail(path)
    content, seen = b"", []
    for number, cut, replaced in writes:
        line = json.dumps({"n": number, "of": len(seen)}).encode() + b"\n"
        # Part of the line now, the rest with the next one.
        content += line
        if replaced:
            other = path.with_suffix(".tmp")
            other.write_bytes(content[: len(content) - cut])
            other.replace(path)
            seen = []
        else:
            with path.open("ab") as file:
                file.write(content[path.stat().st_size : len(content) - cut])
        seen += tail.lines()
    with path.open("ab") as file:
        file.write(content[path.stat().st_size :])
    seen += tail.lines()
    assert seen == [json.loads(line) for line in content.splitlines()]


def sidecar(folder, *args, fake="", log=os.devnull, fakes=True):
    paths = [str(ROOT / "py_worker"), *([str(ROOT / "test/fixtures/trackers")] if fakes else [])]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "RZERO_FAKE_TRACKER": fake,
        "RZERO_FAKE_TRACKER_LOG": str(log),
    }
    command = [sys.executable, "-m", "rzero_track", str(folder), "--to", "wandb", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def test_a_tracker_that_hangs_is_given_up_some_time_after_the_end(tmp_path):
    folder = make_run(tmp_path / "a", [step(1)], "stopped")
    ended = sidecar(folder, "--follow", "--patience", "0.2", fake="hang")
    assert (ended.returncode, ended.stderr) == (
        69,
        "rzero_track: the run ended 0.2 s ago, and the tracker does not take the rest\n",
    )


def test_a_process_says_how_it_ended(tmp_path):
    folder = make_run(tmp_path / "a", [step(1)], "finished")
    log = tmp_path / "calls"
    ended = sidecar(folder, log=log)
    said = "rzero_track: wandb has all that is on record: 1 points were new\n"
    assert (ended.returncode, ended.stderr) == (0, said)
    assert json.loads(log.read_text().splitlines()[0])[:3] == ["init", RUN, "rzero"]
    again = sidecar(folder, log=log)
    assert again.stderr == said.replace("1 points", "0 points")
    assert sidecar(tmp_path).returncode == 2
    assert sidecar(folder, fake="raise").returncode == 69


def test_a_log_takes_what_is_printed(tmp_path):
    folder = make_run(tmp_path / "a", [step(1)], "finished")
    assert sidecar(folder, "--log", str(tmp_path / "logs" / "wandb.log")).stderr == ""
    assert (tmp_path / "logs" / "wandb.log").read_text().startswith("rzero_track: wandb has all")


def test_a_package_that_is_missing_is_named_with_what_installs_it(tmp_path):
    folder = make_run(tmp_path / "a", [step(1)])
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "wandb.py").write_text("raise ImportError('no such package')")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "py_worker"), str(blocked)])}
    command = [sys.executable, "-m", "rzero_track", str(folder), "--to", "wandb"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (
        69,
        "rzero_track: wandb cannot be imported (no such package): npm run setup:trackers installs it\n",
    )
