"""Parameters and wiring: controllers, accesses and the models made of them."""

from neuraltape.nn.access import LRUAAccess as LRUAAccess
from neuraltape.nn.access import NTMAccess as NTMAccess
from neuraltape.nn.controllers import FeedForwardController as FeedForwardController
from neuraltape.nn.controllers import GRUController as GRUController
from neuraltape.nn.controllers import LSTMController as LSTMController
from neuraltape.nn.intervention import Damage as Damage
from neuraltape.nn.intervention import Erase as Erase
from neuraltape.nn.intervention import Force as Force
from neuraltape.nn.intervention import Freeze as Freeze
from neuraltape.nn.intervention import Intervention as Intervention
from neuraltape.nn.intervention import NoShift as NoShift
from neuraltape.nn.lstm import LSTMBaseline as LSTMBaseline
from neuraltape.nn.machine import Machine as Machine
from neuraltape.nn.mann import MANN as MANN
from neuraltape.nn.ntm import NTM as NTM
from neuraltape.nn.sequence_model import SequenceModel as SequenceModel
from neuraltape.nn.state import FeedForwardState as FeedForwardState
from neuraltape.nn.state import GRUState as GRUState
from neuraltape.nn.state import LSTMState as LSTMState
from neuraltape.nn.state import NTMState as NTMState
from neuraltape.nn.trace import Trace as Trace
