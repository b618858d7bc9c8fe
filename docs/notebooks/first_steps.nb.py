# %% [markdown]
# # First steps
#
# A Neural Turing Machine is a recurrent layer with a memory beside it. It is called like `torch.nn.LSTM`: sizes first,
# a sequence in, a sequence and a state out.

# %%
import torch

from neuraltape import NTM

torch.manual_seed(0)
ntm = NTM(4, 32, 3, memory_slots=16, memory_width=8)
inputs = torch.randint(0, 2, (12, 5, 4)).float()
outputs, state = ntm(inputs)
outputs.shape

# %% [markdown]
# The state is an argument and a result, never hidden in the layer. Whoever carries it on gets the same as in one call.

# %%
first, state = ntm(inputs[:7])
second, state = ntm(inputs[7:], state)
torch.allclose(torch.cat([first, second]), outputs, atol=1e-6)

# %%
print(state)

# %% [markdown]
# ## Learning
#
# It learns like any other module. Here it sees up to three vectors of three bits, then an end flag on a channel of its
# own, and has to give the vectors back; only the steps of the answer count.

# %%
from neuraltape.tasks import Copy

task = Copy(bits=3, max_length=3)
generator = torch.Generator().manual_seed(0)
optimizer = torch.optim.Adam(ntm.parameters(), lr=1e-2)
for step in range(60):
    batch = task.sample(32, generator)
    outputs, _ = ntm(batch.inputs, lengths=batch.lengths)
    asked = batch.mask.bool()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(outputs[asked], batch.targets[asked])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(ntm.parameters(), 10.0)
    optimizer.step()
    if step % 20 == 0 or step == 59:
        print(f"step {step:2d}: loss {loss.item():.3f} (guessing: 0.693)")

# %% [markdown]
# `neuraltape train copy` does this until the machine has learnt the paper's task, in a minute or so, with checkpoints
# and scores ([the guide to training](../training.md)).
#
# ## A machine that has learnt
#
# Some trained machines come with the package. This one practised with at most twenty vectors; let it copy fifty.

# %%
trained = NTM.from_pretrained("copy")
batch = Copy().sample(20, torch.Generator().manual_seed(1), lengths=50)
with torch.no_grad():
    outputs, _ = trained(batch.inputs, lengths=batch.lengths)
asked = batch.mask.bool()
wrong = (outputs[asked] > 0) != (batch.targets[asked] > 0)
print(f"{int(wrong.sum())} of {wrong.numel():,} bits are wrong")

# %% [markdown]
# ## Keeping it
#
# A machine is saved as a folder with two files: its settings, and its weights as safetensors.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

with TemporaryDirectory() as folder:
    ntm.save_pretrained(folder)
    print(sorted(path.name for path in Path(folder).iterdir()))
    again = NTM.from_pretrained(folder)
torch.equal(again(inputs)[0], ntm(inputs)[0])

# %% [markdown]
# How it finds its place on the tape is [the next notebook](see_addressing.nb.py).
