import pytest

from benchmarks.parallel.network import Network, Plan, StepCost, efficiency, fit, simulate

NETWORK = Network("trial", latency=1e-3, bandwidth=1e6)
EVEN = StepCost(fixed=0.01, sequence=0.001, jitter=(1.0,))
PARAMETERS = 2_500


def test_the_ring_costs_what_its_messages_cost() -> None:
    # Four processes: six messages of a quarter each.
    assert NETWORK.ring(4, 8_000) == pytest.approx(6 * (1e-3 + 2_000 / 1e6))
    assert NETWORK.ring(1, 8_000) == 0
    assert NETWORK.exchange(2, PARAMETERS) == pytest.approx(NETWORK.ring(2, 10_000) + NETWORK.ring(2, 8))


def test_a_line_goes_through_the_smallest_and_the_largest_batch() -> None:
    cost = fit({1: 0.011, 4: 0.5, 64: 0.074}, [1.0])
    assert (cost.fixed, cost.sequence) == pytest.approx((0.01, 0.001))
    assert fit({1: 0.001, 64: 0.128}, [1.0]).fixed == 0


def test_one_process_alone_is_fully_used() -> None:
    assert efficiency(EVEN, NETWORK, Plan(1, PARAMETERS, 64, 64)) == pytest.approx(1)


def test_a_divided_batch_gives_the_speed_up_over_the_processes() -> None:
    together = 0.01 + 0.001 * 16 + NETWORK.exchange(4, PARAMETERS)
    alone = 0.01 + 0.001 * 64
    assert efficiency(EVEN, NETWORK, Plan(4, PARAMETERS, 16, 64)) == pytest.approx(alone / (4 * together))


def test_steps_that_are_even_simulate_to_the_formula() -> None:
    plan = Plan(8, PARAMETERS, 16, 16)
    assert simulate(EVEN, NETWORK, plan, steps=3) == pytest.approx(efficiency(EVEN, NETWORK, plan))


def test_uneven_steps_cost_more_the_more_processes_there_are() -> None:
    fast = Network("none", latency=0, bandwidth=1e12)
    uneven = StepCost(0.01, 0.001, (1.0, 1.0, 1.0, 2.0))
    few, many = (simulate(uneven, fast, Plan(n, PARAMETERS, 16, 16), steps=2000) for n in (2, 1000))
    # Two: the slower one takes 2 with a chance of 7/16; a thousand: it always does.
    assert few == pytest.approx(1.25 / (1 + 7 / 16), rel=0.03)
    assert many == pytest.approx(1.25 / 2, rel=1e-6)
