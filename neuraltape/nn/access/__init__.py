"""Addressing schemes, one a file. An access has `initial_state(batch_size)` and `forward(controller_output, state)`."""

from neuraltape.nn.access.dnc import DNCAccess as DNCAccess
from neuraltape.nn.access.dnc import DNCConfig as DNCConfig
from neuraltape.nn.access.lrua import LRUAAccess as LRUAAccess
from neuraltape.nn.access.lrua import MANNConfig as MANNConfig
from neuraltape.nn.access.ntm import NTMAccess as NTMAccess
from neuraltape.nn.access.ntm import NTMConfig as NTMConfig
from neuraltape.nn.access.sam import SAMAccess as SAMAccess
from neuraltape.nn.access.sam import SAMConfig as SAMConfig
