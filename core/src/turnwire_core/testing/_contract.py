"""The class that a driver's tests inherit."""

from __future__ import annotations

from turnwire_core.testing._cancellation import CancellationTests
from turnwire_core.testing._failures import FailureTests
from turnwire_core.testing._limits import LimitTests
from turnwire_core.testing._metadata import MetadataTests
from turnwire_core.testing._secrets import SecretTests
from turnwire_core.testing._sharing import SharingTests
from turnwire_core.testing._stamps import StampTests
from turnwire_core.testing._streaming import StreamingTests
from turnwire_core.testing._turns import TurnTests


class DriverContract(
    MetadataTests,
    TurnTests,
    StreamingTests,
    StampTests,
    FailureTests,
    LimitTests,
    CancellationTests,
    SecretTests,
    SharingTests,
):
    """Everything that a driver promises. Inherit it in a class whose name begins with ``Test``."""
