"""Moving a connection of a config file to another protocol, and nothing else in the file."""

from turnwire.migrating.edits import CannotEdit, Change, edit
from turnwire.migrating.files import ConfigFile, FileChanged
from turnwire.migrating.plan import MigrationError, Plan, plan_migration

__all__ = [
    "CannotEdit",
    "Change",
    "ConfigFile",
    "FileChanged",
    "MigrationError",
    "Plan",
    "edit",
    "plan_migration",
]
