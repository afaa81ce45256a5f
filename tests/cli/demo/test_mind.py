"""The demo's beliefs, and the checks that would notice a broken one."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

import aiconsql
from aiconsql.cli.demo import beliefs
from aiconsql.cli.demo.checks import verify
from aiconsql.cli.demo.machine import QUANTITIES, Machine
from aiconsql.cli.demo.mind import mind_of, new_mind, new_watcher, observe

READINGS = {
    "cpu": 12.5,
    "load": 0.5,
    "memory": 40.0,
    "disk_read": 0.0,
    "disk_written": 3.0,
    "processes": [80, 1.0],
    "pace": "busy",
}


def test_normal_posterior_comes_to_the_truth():
    """Many observations bring the mean to the truth and the deviation to that of the mean."""
    rng = np.random.default_rng(1)
    belief = beliefs.normal()
    for reading in rng.normal(5, 2, size=4_000):
        belief = beliefs.learned(belief, float(reading))
    mean, deviation = beliefs.summary(belief)

    assert pytest.approx(5, abs=0.1) == mean
    assert pytest.approx(2 / 4_000**0.5, rel=0.1) == deviation


def test_poisson_posterior_comes_to_the_truth():
    """Counts over unequal times give the rate per second."""
    rng = np.random.default_rng(2)
    belief = beliefs.poisson()
    for exposure_s in rng.uniform(0.1, 2, size=500):
        belief = beliefs.learned(belief, [int(rng.poisson(30 * exposure_s)), float(exposure_s)])

    assert pytest.approx(30, rel=0.05) == beliefs.summary(belief)[0]


def test_dirichlet_posterior_counts():
    """Every category counts its observations."""
    belief = beliefs.categories(["idle", "busy"])
    for reading in ("busy", "busy", "idle", None):
        belief = beliefs.learned(belief, reading)

    assert ([2.0, 3.0], 3) == (belief["alpha"], belief["observations"])


@pytest.mark.parametrize("name", QUANTITIES)
def test_samples_follow_the_posterior(name):
    """Samples have the posterior's mean, and are the same for the same iteration only."""
    mind = new_mind()
    for _ in range(20):
        mind = mind.after(READINGS | {"network_received": 1.0, "network_sent": 1.0, "context_switches": [500, 0.5]})
    belief = mind.beliefs[name]
    samples = beliefs.drawn(belief, name, 20)
    mean, deviation = beliefs.summary(belief)
    likeliest = samples if samples.ndim == 1 else samples[:, int(np.argmax(belief["alpha"]))]

    assert pytest.approx(mean, abs=deviation / 3) == likeliest.mean()
    assert np.array_equal(samples, beliefs.drawn(belief, name, 20))
    assert not np.array_equal(samples, beliefs.drawn(belief, name, 21))


def test_moments_are_those_of_the_observations():
    """The co-moment matrix is the one that all observations at once give."""
    rng = np.random.default_rng(3)
    points = rng.normal(size=(50, 7))
    moments = new_mind().moments
    for point in points:
        moments = moments.after(point)

    assert np.allclose(points.mean(axis=0), moments.means)
    assert np.allclose(np.cov(points.T) * 49, moments.co_moments)


def test_machine_tells_what_is_true():
    """Readings are of this machine: within bounds, and each of a known quantity."""
    machine = Machine()
    readings = machine.read()

    assert {"cpu", "memory", "pace", "processes"} <= readings.keys() <= QUANTITIES.keys()
    assert 0 < readings["memory"] < 100
    assert readings["processes"][0] >= 1


@pytest.fixture
def watched(sqlite_url):
    """A stored watcher after three observations, with its history and the one that it was before them."""
    with aiconsql.connect(sqlite_url) as db:
        aicon = new_watcher("watcher")
        db.aicons.save(aicon)
        before = db.aicons.load(aicon.id)
        for _ in range(3):
            observe(aicon, READINGS, process=7)
            db.aicons.save(aicon)
        yield db.aicons.load(aicon.id), db.aicons.updates(aicon.id), before


def _problems(aicon, updates, before):
    return " ".join(verify(aicon, updates, before, mind_of(before)).problems)


def test_what_is_whole_passes(watched):
    """An AIcon that went through the database has no problem."""
    assert "" == _problems(*watched)


def _lose_a_sample(aicon, updates):
    aicon.factors["cpu"].samples[17] += 1e-12


def _older_belief(aicon, updates):
    aicon.factors["memory"].parameters["distribution"] = new_mind().beliefs["memory"]


def _older_brain(aicon, updates):
    aicon.brain["iteration"] = 2


def _broken_moments(aicon, updates):
    aicon.brain["co_moments"][1, 2] += 1e-12


def _another_name(aicon, updates):
    aicon.name = "somebody"


def _lost_update(aicon, updates):
    del updates[1]


def _repeated_update(aicon, updates):
    updates.insert(1, updates[1])


def _lost_iteration(aicon, updates):
    aicon.run_stats.iterations = 2


@pytest.mark.parametrize(
    "harm",
    [
        _lose_a_sample,
        _older_belief,
        _older_brain,
        _broken_moments,
        _another_name,
        _lost_update,
        _repeated_update,
        _lost_iteration,
    ],
)
def test_what_is_broken_is_noticed(watched, harm):
    """The checks of the demo can fail: each harm is noticed."""
    aicon, updates, before = watched
    aicon, updates = deepcopy(aicon), list(updates)
    harm(aicon, updates)

    assert _problems(aicon, updates, before)
