"""`python -m training COMMAND`: prepares and looks at data, trains, scores, reports, and makes model files."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.inference.torch.triton_beside_mesa import settle
from training.commands import COMMANDS, build_parser
from training.recipes import with_recipe_paths
from training.run.early_checks import LIGHTNING_COMMANDS, check_command_line


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: Arguments without the program's name; None for those of the process.

    Returns:
        0 if all went well, 1 after an error, 2 for wrong arguments, 130 after Ctrl-C, 143 after SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if not arguments:
            build_parser().print_help(sys.stderr)
            return 2
        if arguments[0] in LIGHTNING_COMMANDS:
            arguments = with_recipe_paths(arguments)
            check_command_line(arguments)
            settle()
            return _lightning()(arguments)  # Seconds, which a wrong command line should not cost.
        args = build_parser().parse_args(arguments)
        return int(COMMANDS[args.command].run(args))
    except RgbdSegError as error:
        sys.stderr.write(f"training: {error}\n")
        return 2 if isinstance(error, ConfigurationError) else getattr(error, "exit_code", 1)
    except OSError as error:  # A place that cannot be written, a disk that is full: the system says which and why.
        sys.stderr.write(f"training: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("training: interrupted\n")
        return 130


def _lightning() -> Callable[[Sequence[str]], int]:
    """Loads what trains, and leaves it out of garbage collection, which would look through it again and again."""
    first = "training.run.fit" not in sys.modules and gc.isenabled()
    if first:
        gc.disable()
    from training.run.fit import run_lightning

    if first:
        gc.freeze()
        gc.enable()
    return run_lightning


if __name__ == "__main__":
    sys.exit(main())
