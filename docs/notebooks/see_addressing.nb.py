# %% [markdown]
# # See addressing
#
# What a machine does at every step can be looked at: where each head looks, through which stages it got there, what it
# wrote. [The guide](../addressing.md) explains the stages; this notebook looks at them.

# %%
from dataclasses import replace

import torch

from neuraltape import NTM
from neuraltape.nn import Force
from neuraltape.plotting import plot_focus, plot_memory, plot_stages
from neuraltape.tasks import Copy

ntm = NTM.from_pretrained("copy")
batch = Copy().sample(1, torch.Generator().manual_seed(0), lengths=8)
trace = replace(ntm.trace(batch.inputs, targets=batch.targets), scored=batch.mask)
print(trace)

# %% [markdown]
# A trace that ends a cell shows itself as a replay: scrub through the steps.

# %%
trace

# %% [markdown]
# ## Where the heads look
#
# On the left what was written, and where; on the right what was read, and where. While the vectors come in, the write
# head walks over the tape, a slot a step; after the end flag the read head walks the same way.

# %%
plot_focus(trace)

# %% [markdown]
# The same as numbers: the slot that the write head looks at most, at each step of the input.

# %%
trace.head("write 1").weights[:8, 0].argmax(-1)

# %% [markdown]
# ## The tape
#
# Each vector lies in a slot of its own. What the machine writes later, while it answers, is never read.

# %%
plot_memory(trace, steps=(1, 4, 7))

# %% [markdown]
# ## One step, stage by stage
#
# The gate is nearly 0: the head keeps its place and does not look for a match. The shift moves it on by one, and the
# sharpness undoes the blur.

# %%
plot_stages(trace, step=4, head="write 1")

# %% [markdown]
# ## Break it
#
# An intervention changes a number of a stage and lets the machine run on. With its gate held at 1 the write head can
# only look for what matches its key, and no longer walks. In an empty memory all slots match alike, so the vectors are
# spread over the whole tape, and the copy fails.

# %%
held = Force(parameter="gate", value=1.0, head="write 1")
broken = replace(ntm.trace(batch.inputs, targets=batch.targets, intervene=held), scored=batch.mask)
asked = batch.mask.bool()
for name, each in (("as it is", trace), ("gate held at 1", broken)):
    wrong = (each.outputs[asked] > 0) != (batch.targets[asked] > 0)
    print(f"{name}: {int(wrong.sum())} of {wrong.numel()} bits are wrong")

# %%
plot_focus(broken)

# %% [markdown]
# `neuraltape explore` lets you do all of this with the mouse. Next: [your own data](own_data.nb.py).
