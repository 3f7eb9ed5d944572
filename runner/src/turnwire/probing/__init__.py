"""Going the way to a target step by step, to say at which step it ends, and why.

What is found out are facts (:class:`ProbeResult`); how they are shown is for whoever asked.
"""

from turnwire.probing.facts import Fault, ProbeResult, Step, StepName, StepStatus
from turnwire.probing.probe import Probe

__all__ = ["Fault", "Probe", "ProbeResult", "Step", "StepName", "StepStatus"]
