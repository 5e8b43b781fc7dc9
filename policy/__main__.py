"""Starts the pack; the Pulumi engine runs this file as `python -u -m pulumi.policy <engine> <this directory>`.

Run by hand it knows two commands:

- `python <this directory> baseline EVENTS` prints a baseline, from what `pulumi preview --event-log EVENTS` leaves.
- `python <this directory> copy FOLDER` (installed: `python -m pci_dss_aws copy FOLDER`) copies it for a project, where
  the engine runs it in the environment of this Python.
"""

import gc
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def load_this_directory_as_package() -> None:
    """The engine runs the directory as a script; the modules in it are a package named `policy`, wherever it lies."""
    here = Path(__file__).resolve().parent
    spec = spec_from_file_location("policy", here / "__init__.py", submodule_search_locations=[str(here)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{here} is not a complete policy pack: __init__.py is missing; restore the directory.")
    package = module_from_spec(spec)
    sys.modules["policy"] = package
    spec.loader.exec_module(package)


def serve() -> None:
    """Judges for the engine until it ends.

    Raises:
        SystemExit: with one sentence, where the SDK is not one that the pack knows; nothing is judged then.
    """
    from pulumi_policy import EnforcementLevel, PolicyPack

    from policy import analyzer, baseline, pack, program

    folder = program.folder()
    judge = pack.judgement(folder=folder)
    policies = pack.policies(judge)
    try:
        analyzer.install(judge, baseline.load(folder), policies)
    except analyzer.UnknownSdkError as error:
        raise SystemExit(str(error)) from None
    gc.freeze()  # rules and SDK stay: walking them again and again took a sixth of the time
    PolicyPack(
        pack.NAME,
        policies,
        enforcement_level=EnforcementLevel.MANDATORY,
        display_name="PCI DSS v4.0.1 for AWS and Kubernetes",
        provider="aws",
        tags=["pci-dss", "aws", "kubernetes"],
    )


def write_baseline(events: str) -> None:
    """Prints the baseline of an event log.

    Raises:
        SystemExit: with one sentence, where the log cannot be read.
    """
    from policy import baseline, pack

    try:
        with Path(events).open(encoding="utf-8") as lines:
            sys.stdout.write(baseline.text(baseline.from_events(lines, pack.NAME)))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{events} is not an event log ({error}); make one by pulumi preview --event-log.") from None


def copy(folder: str) -> None:
    """Copies the pack into a new folder, without what is another program's own.

    Raises:
        SystemExit: with one sentence, where the folder is there already or cannot be written.
    """
    import yaml

    target = Path(folder)
    try:
        shutil.copytree(Path(__file__).resolve().parent, target, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    except OSError as error:
        raise SystemExit(f"{folder} cannot be written ({error.strerror}); name a folder that does not exist.") from None
    project = target / "PulumiPolicy.yaml"
    content = yaml.safe_load(project.read_text(encoding="utf-8"))
    content["runtime"]["options"]["virtualenv"] = sys.prefix
    project.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def main() -> None:
    load_this_directory_as_package()
    commands = {"baseline": write_baseline, "copy": copy}
    if len(sys.argv) == 3 and sys.argv[1] in commands:
        commands[sys.argv[1]](sys.argv[2])
    else:
        serve()


if __name__ == "__main__":
    main()
