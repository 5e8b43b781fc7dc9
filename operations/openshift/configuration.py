"""ConfigMaps: environment and files of the settings, as far as nothing in them is a secret."""

from __future__ import annotations

from operations.openshift.export import Export, Item
from operations.openshift.limits import FILES_KIBIBYTES
from operations.openshift.part import Part
from operations.openshift.sensitive import looks_secret, secret_names
from operations.openshift.verdict import Judgement, few

BUNDLES = ("kube-root-ca.crt", "openshift-service-ca.crt")
"""Authorities that OpenShift puts into every project."""
INJECTED = (
    "service.beta.openshift.io/inject-cabundle",
    "service.alpha.openshift.io/inject-cabundle",
    "config.openshift.io/inject-trusted-cabundle",
)


def is_bundle(item: Item) -> bool:
    """Whether OpenShift fills this ConfigMap with authorities."""
    marks = {**Part(item.value).mapping("metadata", "annotations"), **Part(item.value).mapping("metadata", "labels")}
    return item.name in BUNDLES or any(marks.get(mark) == "true" for mark in INJECTED)


def entries(item: Item) -> dict[str, str]:
    """The texts of a ConfigMap by name."""
    return item.mapping("data")


def judge_config_map(export: Export, item: Item) -> Judgement:
    """The verdict on a ConfigMap; the names of its entries are told, their values are not."""
    judgement = Judgement(item.label, "services.*.environment, services.*.files")
    users = export.users_of.get((item.namespace, "ConfigMap", item.name), [])
    names = few(user.label for user in users)
    if is_bundle(item):
        judgement.target = "none"
        if users:
            judgement.ask(
                f"OpenShift fills it with authorities, and {names} trusts them: whom do these really call?",
                (
                    "public authorities, which the image has",
                    "the data centre's own authority, as a file of the settings",
                ),
                "the bundle is not there",
            )
        else:
            judgement.ignored("OpenShift puts it into every project; clients that trust it need another anchor")
        return judgement
    if "control-plane.alpha.kubernetes.io/leader" in item.annotations:
        judgement.ignored("an election of a leader wrote it; it holds no configuration")
        return judgement
    if item.owner:
        judgement.ask(
            f"{item.owner[0]} {item.owner[1]} makes it: who writes it on AWS?",
            ("the settings", "nobody"),
            "it stays behind",
        )
    texts, binary = entries(item), item.mapping("binaryData")
    judgement.keys = (*texts, *binary)
    withheld = sorted(
        {key for key, value in texts.items() if looks_secret(key, value, export.secret_values)}
        | {name for value in texts.values() for name in secret_names(value) if looks_secret(name, "x", frozenset())}
        if any(looks_secret(key, value, export.secret_values) for key, value in texts.items())
        else ()
    )
    if withheld:
        judgement.ask(
            f"it holds what looks like secrets ({', '.join(withheld)}; values withheld): where do they go?",
            (
                "into Secrets Manager, read by the application",
                "they are none, then write them into the settings yourself",
            ),
            "these entries are not written",
        )
    if binary:
        judgement.ask(
            f"{', '.join(binary)} is no text: where does it go?", ("into the image", "S3"), "it is not written"
        )
    if sum(map(len, texts.values())) > FILES_KIBIBYTES * 1024:
        judgement.ask(
            f"it is larger than {FILES_KIBIBYTES} KiB: where does it go?", ("into the image", "S3"), "it is not written"
        )
    if users:
        judgement.changed(
            f"its entries ({', '.join(texts) or 'none'}) become settings of {names}; a change of them is a "
            "change of the settings"
        )
    else:
        judgement.ask(
            f"no workload of this export uses it ({', '.join(judgement.keys) or 'it is empty'}): who reads it?",
            ("nobody, leave it behind", "a workload that is not exported, export it too"),
            "it stays behind",
        )
    if item.has("immutable"):
        judgement.changed("what is immutable here is the settings of a deployment")
    return judgement
