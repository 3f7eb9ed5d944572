"""Keeping secret values out of everything that is shown."""

from turnwire_core.secrets._masking import MASK, Secrets
from turnwire_core.secrets._pieces import MaskedPieces

__all__ = ["MASK", "MaskedPieces", "Secrets"]
