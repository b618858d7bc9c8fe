"""What a training depends on, from and to YAML and flags. Knows no loop."""

from neuraltape.settings.cooldown import CooldownSettings as CooldownSettings
from neuraltape.settings.loop import LoopSettings as LoopSettings
from neuraltape.settings.optimizer import AdamSettings as AdamSettings
from neuraltape.settings.optimizer import RMSPropSettings as RMSPropSettings
from neuraltape.settings.practice import PracticeSettings as PracticeSettings
from neuraltape.settings.settings import Settings as Settings
