"""Neural Turing Machines in PyTorch: recurrent layers with an external memory.

>>> from neuraltape import NTM
>>> ntm = NTM(input_size=9, hidden_size=100, output_size=8)
>>> outputs, state = ntm(inputs)  # (time, batch, 9) -> (time, batch, 8), like torch.nn.LSTM
"""

from neuraltape.nn import NTM as NTM
from neuraltape.nn import LSTMBaseline as LSTMBaseline
from neuraltape.nn import NTMState as NTMState
from neuraltape.nn import Trace as Trace

__version__ = "0.1.0"
