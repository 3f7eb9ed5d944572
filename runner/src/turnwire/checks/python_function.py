"""A check that the tester writes in Python: a function in a file beside the suite."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any, cast

import anyio.to_thread
import attrs

from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult
from turnwire.checks.foreign import passes_through
from turnwire.checks.showing import bounded, excerpt
from turnwire_core import TurnwireError
from turnwire_core.contracts.connection import JsonValue, option

_NAME = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")

_modules: dict[tuple[FilePath, int], ModuleType] = {}
_loading = threading.Lock()


@attrs.frozen
class PythonOptions:
    """Which function."""

    function: str = option(
        "`module:function`. `checks_shop:has_price` is `has_price` in `checks_shop.py` beside the "
        "suite; a dot in the module is a folder."
    )
    args: Mapping[str, JsonValue] = option("Keyword arguments for it.", factory=dict)

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.function):
            raise ValueError("A function is written 'module:function', as in 'checks:has_price'.")


class PythonCheck(Check):
    """A function of the tester's own, called with the :class:`CheckContext`.

    It may be sync or async, and says how it went in one of these ways:

    - True or False, or None for true, so that a function of ``assert`` needs no return;
    - a text: it does not hold, and this is why;
    - a :class:`CheckResult`;
    - an AssertionError: it does not hold. Any other exception is an error, never a verdict.

    The file is imported once, by its path; ``sys.path`` stays what it is, so it imports what is
    installed and not its neighbours. A sync function runs in a thread: one that waits does not
    hold up what other tests measure.
    """

    kind = "python"
    options = PythonOptions
    shorthand = "function"
    doc = "A function of yours, in a Python file beside the suite, says that it holds."

    async def evaluate(self, options: PythonOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        label = f"{options.function} to hold"
        file = _file_of(options.function, context.directory)
        try:
            function = await _find(options.function, file)
            said = await _call(function, context, options.args)
        except AssertionError as exc:
            return CheckResult(False, label, bounded(_reason(exc)))
        except TurnwireError:
            raise
        except BaseException as exc:
            if passes_through(exc):
                raise
            raise CheckError(_failure(options.function, file.name, exc), kind="plugin") from exc
        shown = excerpt(context.turns[-1].reply.content) if context.turns else "no reply yet"
        match said:
            case CheckResult():
                return said
            case None | True:
                return CheckResult(True, label, shown)
            case False:
                return CheckResult(False, label, f"False, for {shown}")
            case str():
                return CheckResult(False, label, bounded(said))
        raise CheckError(
            f"{options.function} in {file.name} returned a {type(said).__name__}; it returns True, "
            "False, None, a text that says why not, or a CheckResult.",
            kind="plugin",
        )


def _file_of(name: str, directory: FilePath) -> FilePath:
    module = name.partition(":")[0]
    return directory.joinpath(*module.split(".")).with_suffix(".py")


async def _find(name: str, file: FilePath) -> Callable[..., Any]:
    module = await anyio.to_thread.run_sync(_load, file, name)
    function_name = name.partition(":")[2]
    function = getattr(module, function_name, None)
    if not callable(function):
        raise CheckError(f"There is no function {function_name!r} in {file}.")
    return cast("Callable[..., Any]", function)


def _load(file: FilePath, name: str) -> ModuleType:
    """The module of a file, imported once for each state of the file.

    Raises:
        CheckError: there is no such file.
    """
    try:
        file = file.resolve(strict=True)
        key = (file, file.stat().st_mtime_ns)
    except OSError as exc:
        raise CheckError(f"{name!r} is looked for in {file}, and there is no such file.") from exc
    with _loading:
        if key not in _modules:
            _modules[key] = _import(file)
        return _modules[key]


def _import(file: FilePath) -> ModuleType:
    # Two suites may each have their checks.py, and neither may shadow an installed module.
    name = f"_turnwire_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CheckError(f"{file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    # What a module defines looks itself up there: dataclasses do, and pickle.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


async def _call(
    function: Callable[..., Any], context: CheckContext, args: Mapping[str, Any]
) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(context, **args)
    said = await anyio.to_thread.run_sync(lambda: function(context, **args), abandon_on_cancel=True)
    return await said if inspect.isawaitable(said) else said


def _reason(exc: AssertionError) -> str:
    """What an assertion said, or its own line where it said nothing."""
    if str(exc):
        return str(exc)
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{frame.line} (line {frame.lineno} of {FilePath(frame.filename).name})"


def _failure(name: str, file_name: str, exc: BaseException) -> str:
    last = traceback.format_exception_only(exc)[-1].strip()
    frames = traceback.extract_tb(exc.__traceback__)
    # The innermost line of the tester's own; a library that it called is not where to look.
    lines = [one.lineno for one in frames if FilePath(one.filename).name == file_name]
    line = exc.lineno if isinstance(exc, SyntaxError) else lines[-1] if lines else None
    where = f" at line {line} of {file_name}" if line is not None else ""
    return f"The check {name!r} failed itself{where}: {bounded(last)}"
