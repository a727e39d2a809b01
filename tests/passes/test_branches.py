"""Layers that the scores do not need go, wherever they are named; all others stay as they are."""

from __future__ import annotations

from spec_texts import TINY, experiment

from retdsl.ir import Freeze, Node, Parameter, Program
from retdsl.passes.branches import drop_branches, tell_branches
from retdsl.passes.split import cut_into_pieces
from retdsl.records import replace


def dropped(found):
    [after] = drop_branches(Program("s", (), (), (found,))).experiments
    return after


def with_dead_branch():
    found = experiment(TINY)
    place = found.place
    parameters = (Parameter("dead_weight", (4, 3, 1, 1)),)
    dead = Node("dead", "Convolution", (("num_filter", 4),), ("data",), (None, 4, 32, 32), parameters, place)
    end = Node("end", "Flatten", (), ("dead",), (None, 4096), (), place)
    nodes = (found.network.nodes[0], dead, end, *found.network.nodes[1:])
    phases = (Freeze(1, ("a_conv", "dead")), Freeze(2, ("dead",)))
    rates = (("dead_weight", 0.1), ("a_*", 2.0))
    return replace(found, network=replace(found.network, nodes=nodes), phases=phases, rates=rates)


def test_what_the_check_gives_is_needed_to_the_last_layer():
    found = experiment(TINY)
    assert dropped(found) is found
    assert "every one of the" in tell_branches(found, found)


def test_a_branch_that_leads_nowhere_goes_with_its_parameters():
    before = with_dead_branch()
    after = dropped(before)
    assert after.network.nodes == experiment(TINY).network.nodes
    assert after.phases == (Freeze(1, ("a_conv",)), Freeze(2, ()))
    assert after.rates == (("a_*", 2.0),)
    assert "2 layers that the scores do not need (dead, end)" in tell_branches(before, after)


def test_a_dead_branch_that_looks_at_the_photograph_hinders_no_cut():
    before = with_dead_branch()
    before = replace(before, phases=(Freeze(1, ("a_conv", "a_bn")),))
    assert len(cut_into_pieces(before.network, before.phases)) == 1
    after = dropped(before)
    assert len(cut_into_pieces(after.network, after.phases)) == 2
