"""The kernels in other processes: workers, forks, several at once, and folders that cannot be written."""

import multiprocessing
import os
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from neuraltape import NTM

# The kernels that are compiled soonest.
STEP = """
import torch
from neuraltape.functional import Sentences
from neuraltape.nn.memory_network import MemoryNetwork
torch.manual_seed(0)
network = MemoryNetwork(8, 5, slots=3, hops=2, backend="cpu")
sentences = Sentences.of(torch.tensor([[3, 1, 4], [1, 5, 0], [2, 6, 5]]))
facts, questions = torch.tensor([[0, 2], [1, -1]]), torch.tensor([1, 2])
with torch.no_grad():
    print(f"{network(sentences, facts, questions).logits.square().sum().item():.9f}")
"""


def machine(seed=0):
    torch.manual_seed(seed)
    return NTM(3, 8, 2, memory_slots=8, memory_width=4, backend="cpu")


class Answers(Dataset):
    """Every item is what a machine makes of its number, with its gradient."""

    def __init__(self):
        self.ntm = machine()

    def __len__(self):
        return 4

    def __getitem__(self, index):
        inputs = torch.full((5, 1, 3), float(index), requires_grad=True)
        outputs = self.ntm(inputs)[0]
        outputs.sum().backward()
        assert inputs.grad is not None
        return torch.cat([outputs.detach().flatten(), inputs.grad.flatten()])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_works_in_the_workers_of_a_data_loader(how):
    if how not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {how} on this system")
    answers = Answers()
    expected = torch.stack([answers[i] for i in range(4)])
    # One that is spawned imports everything; what several do at once the forks show.
    workers = 2 if how == "fork" else 1
    loader = DataLoader(answers, batch_size=2, num_workers=workers, multiprocessing_context=how, timeout=120)
    assert torch.equal(torch.cat(list(loader)), expected)


def in_another_process(environment):
    settings = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | environment
    command = [sys.executable, "-c", STEP]
    return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_processes_compile_at_once_and_the_next_finds_what_they_made_past_a_folder_that_cannot_be_written(tmp_path):
    both = [in_another_process({"NUMBA_CACHE_DIR": str(tmp_path / "neuraltape")}) for _ in range(2)]
    first = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], first
    # A file stands where the named folder should be: so even a user who may write anywhere cannot write there.
    (tmp_path / "file").touch()
    third = in_another_process({"NUMBA_CACHE_DIR": str(tmp_path / "file" / "folder"), "XDG_CACHE_HOME": str(tmp_path)})
    answer, messages = third.communicate()
    assert {out for out, _ in first} == {answer}
    assert any("compiling" in messages for _, messages in first)
    assert not messages


def one_rank(rank, folder, results):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    ntm = machine(seed=rank)
    model = DistributedDataParallel(ntm)
    inputs = torch.linspace(-1, 1, 60).view(5, 4, 3)[:, 2 * rank : 2 * rank + 2]
    model(inputs)[0].square().mean().backward()
    results.put((rank, [p.grad.numpy() for p in ntm.parameters()], [p.detach().numpy() for p in ntm.parameters()]))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not dist.is_available(), reason="this PyTorch has no torch.distributed")
def test_two_processes_train_together(tmp_path):
    # Forks have imported everything. PyTorch refuses them where it knows a GPU.
    forks = "fork" in multiprocessing.get_all_start_methods() and not torch.cuda.is_available()
    context = multiprocessing.get_context("fork" if forks else "spawn")
    results = context.Queue()
    ranks = [context.Process(target=one_rank, args=(rank, tmp_path, results)) for rank in range(2)]
    for process in ranks:
        process.start()
    answers = [results.get(timeout=200) for _ in ranks]
    found = {rank: (gradients, weights) for rank, gradients, weights in answers}
    for process in ranks:
        process.join()
        assert process.exitcode == 0
    alone = machine()
    outputs = alone(torch.linspace(-1, 1, 60).view(5, 4, 3))[0]
    outputs.square().mean().backward()
    for rank in range(2):
        for gradient, weight, parameter in zip(*found[rank], alone.parameters(), strict=True):
            assert torch.equal(torch.from_numpy(weight), parameter.detach())
            assert parameter.grad is not None
            # Measured: 8e-8 of each gradient's length.
            torch.testing.assert_close(torch.from_numpy(gradient), parameter.grad, rtol=1e-5, atol=1e-7)
