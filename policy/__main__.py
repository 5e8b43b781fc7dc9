"""Starts the pack; the Pulumi engine runs this file as ``python -u -m pulumi.policy <engine> <this directory>``."""

import gc
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack


def load_this_directory_as_package() -> None:
    """The engine runs the directory as a script; the modules in it are a package named `policy`, wherever it lies."""
    here = Path(__file__).resolve().parent
    spec = spec_from_file_location("policy", here / "__init__.py", submodule_search_locations=[str(here)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{here} is not a complete policy pack: __init__.py is missing; restore the directory.")
    package = module_from_spec(spec)
    sys.modules["policy"] = package
    spec.loader.exec_module(package)


def main() -> None:
    load_this_directory_as_package()
    from policy import pack, single_pass

    judge = pack.judgement()
    policies = pack.policies(judge)
    if not single_pass.install(judge, policies):
        sys.stderr.write(
            "The Pulumi SDK has changed: the policy pack judges as before, but slower; see single_pass.py.\n"
        )
    gc.freeze()  # rules and SDK stay: walking them again and again took a sixth of the time
    PolicyPack(
        pack.NAME,
        policies,
        enforcement_level=EnforcementLevel.MANDATORY,
        display_name="PCI DSS v4.0.1 for AWS and Kubernetes",
        provider="aws",
        tags=["pci-dss", "aws", "kubernetes"],
    )


if __name__ == "__main__":
    main()
