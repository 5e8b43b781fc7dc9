"""Every add-on has a version that belongs to the Kubernetes version of the nodes."""

import re

import pytest

from components.cluster.addon_versions import known_versions
from components.cluster.cluster_addons import ADDONS
from components.cluster.cluster_autoscaler import IMAGES
from components.cluster.settings import KUBERNETES_VERSIONS
from recording.program import Recording
from tests.recorded import recorded

ADDON = "aws:eks/addon:Addon"


@pytest.fixture(scope="module")
def installed() -> Recording:
    return recorded("dev")


def test_no_addon_is_left_to_the_version_that_eks_picks_at_creation(installed: Recording) -> None:
    versions = {addon.inputs["addonName"]: addon.inputs.get("addonVersion") for addon in installed.of(ADDON)}
    assert set(versions) == {addon.name for addon in ADDONS}
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", str(version)) for version in versions.values()), versions


def test_kube_proxy_has_the_minor_version_of_the_nodes_in_every_row() -> None:
    rows = {kubernetes: row.version for (kubernetes, addon), row in known_versions().items() if addon == "kube-proxy"}
    assert set(rows) == set(KUBERNETES_VERSIONS) == set(IMAGES)
    assert all(version.startswith(f"v{kubernetes}.") for kubernetes, version in rows.items())


def test_every_row_names_its_source_and_an_addon_of_ours() -> None:
    for (_, addon), row in known_versions().items():
        assert addon in {one.name for one in ADDONS}
        assert row.standing in ("tested", "seen in public")
        assert row.source
