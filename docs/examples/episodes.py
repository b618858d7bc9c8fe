"""Episodes: rows that begin anew inside a rollout, in reinforcement learning, with `reset=`.

A T-maze (Bakker 2001): a sign at the entrance says left or right; at the end of a corridor, where nothing is to be seen
of it, the machine has to turn that way. Sixteen mazes run side by side. Episodes end in the middle of a rollout; the
next begins in the same row, and `reset` says where. The maze has gymnasium's interface, and is one of gymnasium's
environments where that is installed.

python docs/examples/episodes.py
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuraltape import NTM

try:
    from gymnasium import Env, spaces
except ImportError:
    spaces = None

    class Env:
        """What the maze needs of `gymnasium.Env`."""

        np_random = np.random.default_rng()

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
            """Begin the random numbers anew where there is a seed."""
            if seed is not None:
                self.np_random = np.random.default_rng(seed)


AHEAD, LEFT, RIGHT = range(3)
MAZES, STEPS, DISCOUNT, ENTROPY = 16, 32, 0.95, 0.02


class TMaze(Env):
    """A corridor of 3 to 7 places and a turn to the left or to the right.

    What is seen: the sign (left, right; at the entrance only), a corridor, a junction; four numbers. A turn in the
    corridor and steps ahead at the junction only cost time. The right turn gives 1, the wrong one -1.
    """

    if spaces is not None:
        observation_space, action_space = spaces.Box(0, 1, (4,), np.float32), spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin an episode; see `gymnasium.Env.reset`."""
        super().reset(seed=seed)
        self.way, self.end = int(self.np_random.choice((LEFT, RIGHT))), int(self.np_random.integers(3, 8))
        self.place = self.time = 0
        return self.seen(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Act; see `gymnasium.Env.step`."""
        self.time += 1
        turned = self.place == self.end and action != AHEAD
        reward = (1.0 if action == self.way else -1.0) if turned else -0.05
        if action == AHEAD:
            self.place = min(self.place + 1, self.end)
        return self.seen(), reward, turned, self.time == 20, {"right": action == self.way} if turned else {}

    def seen(self) -> np.ndarray:
        """What is to be seen here."""
        sign = self.place == 0
        seen = sign and self.way == LEFT, sign and self.way == RIGHT, self.place < self.end, self.place == self.end
        return np.array(seen, np.float32)


class Rollout:
    """Mazes side by side; what a machine sees and does in them, some steps at a time."""

    def __init__(self, machine: NTM, seed: int) -> None:
        self.machine, self.mazes = machine, [TMaze() for _ in range(MAZES)]
        self.seen = np.stack([maze.reset(seed=seed * MAZES + i)[0] for i, maze in enumerate(self.mazes)])
        self.fresh, self.state = np.ones(MAZES, dtype=bool), machine.initial_state(MAZES)

    @torch.no_grad()
    def take(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, list[bool]]:
        """Some steps: what was seen, where episodes began, actions, rewards, where they ended; and the right turns."""
        rows, turns = [], []
        for _ in range(STEPS):
            seen, fresh = torch.tensor(self.seen, dtype=torch.float32), torch.tensor(self.fresh)
            outputs, self.state = self.machine.step(seen, self.state, reset=fresh)
            actions = outputs[:, :3].softmax(-1).multinomial(1, generator=generator).squeeze(1)
            rewards = torch.zeros(MAZES)
            for i, maze in enumerate(self.mazes):
                self.seen[i], rewards[i], ended, late, more = maze.step(int(actions[i]))
                self.fresh[i] = ended or late
                turns += [more["right"]] if ended else []
                if self.fresh[i]:
                    self.seen[i], _ = maze.reset()
            rows.append((seen, fresh, actions, rewards, torch.tensor(self.fresh)))
        return *(torch.stack(each) for each in zip(*rows, strict=True)), turns


def learn(*, updates: int = 150, seed: int = 0) -> list[float]:
    """Actor and critic, one update a rollout; gives the share of right turns in each."""
    torch.manual_seed(seed)
    # Without a state of its own the controller has to put the sign into the memory.
    machine = NTM(4, 32, 4, memory_slots=8, memory_width=8, controller="feedforward")
    optimizer = torch.optim.Adam(machine.parameters(), lr=1e-2)
    rollout, generator, shares = Rollout(machine, seed), torch.Generator().manual_seed(seed), []
    for _ in range(updates):
        before = rollout.state
        seen, fresh, actions, rewards, ended, turns = rollout.take(generator)
        shares.append(sum(turns) / max(len(turns), 1))
        # The same steps once more, with gradients: within an episode they go back to its start, and no further.
        outputs, _ = machine(seen, before, reset=fresh)
        policy, values = outputs[..., :3].log_softmax(-1), outputs[..., 3]
        with torch.no_grad():
            after, _ = machine.step(torch.tensor(rollout.seen, dtype=torch.float32), rollout.state)
        returned, returns = after[:, 3], []
        for reward, end in zip(rewards.flip(0), ended.flip(0), strict=True):
            returned = reward + DISCOUNT * returned * ~end
            returns.append(returned)
        returns = torch.stack(returns[::-1])
        gain = (returns - values).detach()
        chosen = policy.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
        entropy = -(policy.exp() * policy).sum(-1).mean()
        loss = -(chosen * gain).mean() + 0.5 * (returns - values).square().mean() - ENTROPY * entropy
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(machine.parameters(), 1.0)
        optimizer.step()
    return shares


def main() -> None:
    """Learn, and say how it goes."""
    shares = learn()
    for first in range(0, len(shares), 25):
        print(f"updates {first:3} to {first + 24:3}: {sum(shares[first : first + 25]) / 25:.2f} of all turns are right")


if __name__ == "__main__":
    main()
