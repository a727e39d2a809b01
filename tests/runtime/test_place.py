"""Which place a process has in a job: by the launcher's variables, or by the rank of `srun` or `mpirun`."""

from __future__ import annotations

import pytest

from retdsl.runtime.errors import RunError
from retdsl.runtime.place import Place, find_place, first_node

SLURM = {"SLURM_NTASKS": "4", "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "gpu[03-04]"}


def test_slurm_tells_rank_count_and_the_first_machine():
    place = find_place({**SLURM, "SLURM_PROCID": "2", "SLURM_TASKS_PER_NODE": "2(x2)"})
    assert place is not None
    assert (place.role, place.rank, place.workers, place.host, place.local) == ("worker", 2, 4, "gpu03", 2)
    assert not place.leads
    first = find_place({**SLURM, "SLURM_PROCID": "0"})
    assert first is not None
    assert first.leads
    assert (first.port, first.key) == (place.port, place.key)
    other = find_place({**SLURM, "SLURM_PROCID": "2", "SLURM_JOB_ID": "78"})
    assert other is not None
    assert other.key != place.key


@pytest.mark.parametrize(
    "given",
    [
        {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"},
        {"PMI_RANK": "1", "PMI_SIZE": "2", "MPI_LOCALNRANKS": "2"},
        {"SLURM_PROCID": "1", "SLURM_NTASKS": "2"},
    ],
)
def test_on_one_machine_they_meet_there(given):
    place = find_place(given)
    assert place is not None
    assert (place.rank, place.workers, place.host, place.local) == (1, 2, "127.0.0.1", 2)


def test_a_single_rank_and_a_process_without_one_train_alone():
    assert find_place({}) is None
    assert find_place({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}) is None
    assert find_place({**SLURM, "SLURM_PROCID": "1", "RETDSL_JOB": "none"}) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PMI_RANK": "x", "PMI_SIZE": "2"}, "PMI_RANK is `x`"),
        ({"PMI_RANK": "2", "PMI_SIZE": "2"}, "PMI_SIZE says that there are 2"),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "RETDSL_JOB": "nowhere"}, "HOST:PORT"),
        ({"PMI_RANK": "1", "PMI_SIZE": "2", "RETDSL_SERVERS": "0"}, "one server or more"),
        (
            {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"},
            "nothing says where they meet",
        ),
    ],
)
def test_variables_that_make_no_sense(given, words):
    with pytest.raises(RunError) as caught:
        find_place(given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [("gpu[03-07,12],head", "gpu03"), ("a,b", "a"), ("node7", "node7"), ("n[1,5]-ib", "n1-ib"), ("x-[09]", "x-09")],
)
def test_the_first_of_slurms_machines(nodes, first):
    assert first_node(nodes) == first


def test_a_place_is_what_its_environment_says():
    place = Place("server", 1, 4, 2, "10.0.0.1", 2900, 2, "secret")
    assert find_place(place.environment()) == place
