"""Which config file is meant where none is named."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from turnwire_core import ConfigError, Problem

CONFIG_NAMES: Final = tuple(
    f"turnwire.{extension}" for extension in ("json", "jsonc", "yaml", "yml", "toml")
)
"""What is looked for."""


def nearest_config(folder: Path, root: Path) -> Path | None:
    """The config file in the folder, or in the nearest above it, up to pytest's root.

    Raises:
        ConfigError: there are two side by side.
    """
    below_root = root in folder.parents
    places = [folder, *folder.parents[: len(folder.relative_to(root).parts)]] if below_root else []
    for place in places or [folder]:
        found = [place / name for name in CONFIG_NAMES if (place / name).is_file()]
        if len(found) > 1:
            message = f"There is {found[1].name} beside it."
            hint = "Name one of them: --turnwire-config FILE."
            raise ConfigError([Problem(message, hint=hint, file=str(found[0]))])
        if found:
            return found[0]
    return None
