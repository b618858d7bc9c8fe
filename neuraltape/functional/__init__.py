"""The equations of the Neural Turing Machine as pure functions: the specification of everything fast.

Names and shapes are those of the glossary in the documentation. "The paper" is Graves, Wayne and Danihelka (2014),
arXiv 1410.5401; in `lrua` it is Santoro et al. (2016), arXiv 1605.06065; in `allocation`, `links` and `dnc` it is
Graves et al. (2016), Nature 538:471.
"""

from neuraltape.functional.addressing import Stages as Stages
from neuraltape.functional.addressing import address as address
from neuraltape.functional.addressing import content_weights as content_weights
from neuraltape.functional.addressing import interpolate as interpolate
from neuraltape.functional.addressing import look_up as look_up
from neuraltape.functional.addressing import sharpen as sharpen
from neuraltape.functional.addressing import shift as shift
from neuraltape.functional.addressing import similarity as similarity
from neuraltape.functional.allocation import allocation as allocation
from neuraltape.functional.allocation import retention as retention
from neuraltape.functional.allocation import unfreed as unfreed
from neuraltape.functional.allocation import usage as usage
from neuraltape.functional.costs import bit_costs as bit_costs
from neuraltape.functional.dnc import DNCInterface as DNCInterface
from neuraltape.functional.dnc import DNCLayout as DNCLayout
from neuraltape.functional.dnc import DNCState as DNCState
from neuraltape.functional.dnc import activate_dnc as activate_dnc
from neuraltape.functional.dnc import dnc_interface as dnc_interface
from neuraltape.functional.dnc import dnc_step as dnc_step
from neuraltape.functional.dnc import dnc_write as dnc_write
from neuraltape.functional.dnc import read_focus as read_focus
from neuraltape.functional.dnc import split_dnc as split_dnc
from neuraltape.functional.dnc import write_focus as write_focus
from neuraltape.functional.hops import HopsLayout as HopsLayout
from neuraltape.functional.hops import ask_facts as ask_facts
from neuraltape.functional.hops import attend as attend
from neuraltape.functional.hops import gather_facts as gather_facts
from neuraltape.functional.hops import match_facts as match_facts
from neuraltape.functional.hops import next_query as next_query
from neuraltape.functional.hops import tell_facts as tell_facts
from neuraltape.functional.interface import Interface as Interface
from neuraltape.functional.interface import InterfaceLayout as InterfaceLayout
from neuraltape.functional.interface import activate as activate
from neuraltape.functional.interface import split_interface as split_interface
from neuraltape.functional.links import follow as follow
from neuraltape.functional.links import link as link
from neuraltape.functional.links import precedence as precedence
from neuraltape.functional.links import sharpen_link as sharpen_link
from neuraltape.functional.lrua import LRUAInterface as LRUAInterface
from neuraltape.functional.lrua import LRUALayout as LRUALayout
from neuraltape.functional.lrua import LRUAState as LRUAState
from neuraltape.functional.lrua import activate_lrua as activate_lrua
from neuraltape.functional.lrua import least_used as least_used
from neuraltape.functional.lrua import lrua_read_weights as lrua_read_weights
from neuraltape.functional.lrua import lrua_similarity as lrua_similarity
from neuraltape.functional.lrua import lrua_step as lrua_step
from neuraltape.functional.lrua import lrua_usage as lrua_usage
from neuraltape.functional.lrua import lrua_write as lrua_write
from neuraltape.functional.lrua import lrua_write_weights as lrua_write_weights
from neuraltape.functional.lrua import one_slot_each as one_slot_each
from neuraltape.functional.lrua import split_lrua as split_lrua
from neuraltape.functional.memory import read as read
from neuraltape.functional.memory import write as write
from neuraltape.functional.sentences import Sentences as Sentences
from neuraltape.functional.sentences import position_weights as position_weights
from neuraltape.functional.state import State as State
from neuraltape.functional.state import map_state as map_state
from neuraltape.functional.step import AccessState as AccessState
from neuraltape.functional.step import access_step as access_step
from neuraltape.functional.step import apply_interface as apply_interface
