"""Secrets: what each is for, by its type and the names of its entries. Their values were withheld on reading."""

from __future__ import annotations

import re
from enum import Enum

from operations.openshift.export import Export, Item
from operations.openshift.verdict import Judgement, few
from operations.openshift.workload import Workload

DATABASE = re.compile(r"database|mysql|mariadb|jdbc|datasource|(^|[-_.])(db|sql)([-_.]|$)", re.I)
CACHE = re.compile(r"redis|cache|session|valkey", re.I)
LOGIN = re.compile(r"pass|pwd|user|login|url|uri|dsn|host", re.I)
CLIENT = re.compile(r"client|mtls|acquirer|scheme|sign|partner|hsm", re.I)
SERVING_CERTIFICATE = (
    "service.beta.openshift.io/originating-service-name",
    "service.alpha.openshift.io/originating-service-name",
    "service.beta.openshift.io/serving-cert-secret-name",
)
ACCOUNT = "kubernetes.io/service-account.name"
PLATFORM_TYPES = ("kubernetes.io/service-account-token", "helm.sh/release.v1", "bootstrap.kubernetes.io/token")
PULL_TYPES = ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson")


class Use(Enum):
    """What a Secret is for."""

    PLATFORM = "made by OpenShift"
    OWNED = "made by another object"
    PULL = "login of a registry"
    SERVING = "certificate of a server"
    DATABASE = "login of the database"
    CACHE = "login of the cache"
    KEYS = "keys"


def classify(name: str, type_: str, keys: tuple[str, ...], item: Item | None = None) -> Use:
    """What a Secret is for, by what may be known of it."""
    marks = item.annotations if item else {}
    if type_ in PLATFORM_TYPES or any(mark in marks for mark in SERVING_CERTIFICATE):
        return Use.PLATFORM
    if type_ in PULL_TYPES:
        return Use.PLATFORM if ACCOUNT in marks or re.search(r"-dockercfg-[a-z0-9]{5}$", name) else Use.PULL
    if item and item.owner:
        return Use.OWNED
    words = " ".join((name, *keys))
    if type_ == "kubernetes.io/tls" or set(keys) >= {"tls.crt", "tls.key"}:
        return Use.KEYS if CLIENT.search(name) else Use.SERVING
    if type_ == "kubernetes.io/ssh-auth":
        return Use.KEYS
    own = [key for key in keys if not DATABASE.search(key) and not CACHE.search(key) and not LOGIN.search(key)]
    if DATABASE.search(words) and any(LOGIN.search(key) for key in keys) and not own:
        return Use.DATABASE
    if CACHE.search(words) and any(LOGIN.search(key) for key in keys) and not own:
        return Use.CACHE
    return Use.KEYS


def keys_of(item: Item) -> tuple[str, ...]:
    """Names of a Secret's entries."""
    return tuple(dict.fromkeys((*item.mapping("data"), *item.mapping("stringData"))))


def judge_secret(export: Export, item: Item) -> Judgement:
    """The verdict on a Secret."""
    keys = keys_of(item)
    use = classify(item.name, item.text("type"), keys, item)
    judgement = Judgement(item.label, keys=() if use in (Use.PLATFORM,) else keys)
    type_ = item.text("type")
    named = (", ".join(keys) or "no entries") + (f" ({type_})" if type_ else "")
    users = few(user.label for user in export.users_of.get((item.namespace, "Secret", item.name), ()))
    if use is Use.PLATFORM:
        judgement.ignored(_platform(item))
    elif use is Use.OWNED:
        assert item.owner  # noqa: S101 (that is its use)
        judgement.ignored(f"{item.owner[0]} {item.owner[1]} makes it, see there ({named})")
    elif use is Use.PULL:
        judgement.target = "ECR"
        judgement.ask(
            "it opens a registry, and a pod here pulls from ECR only: which images come from there?",
            ("copy them to ECR by digest (the commands are written by convert)", "none, leave it behind"),
            "it stays behind",
        )
    elif use is Use.SERVING:
        judgement.target = "certificate of ACM; the pod's own certificate made at start"
        judgement.ignored(
            "the load balancer's certificate comes from ACM and the pod makes its own at start; the key stays behind"
        )
    elif use is Use.DATABASE:
        judgement.target = "the stack's secret database-connection and IAM authentication"
        judgement.changed(
            (
                f"the database lets the application in by its role (IAM); {named}: the address is in the connection "
                "secret and no password moves"
            ),
            (
                "the application must read DATABASE_CONNECTION_SECRET, and until the switch that secret names the "
                "source with a password, "
                "which a person puts there"
            ),
        )
    elif use is Use.CACHE:
        judgement.target = "CACHE_HOST and IAM authentication"
        judgement.changed(
            f"the cache lets the application in by its role (IAM) at CACHE_HOST; {named}: no password moves"
        )
    else:
        judgement.target = "a secret in Secrets Manager that services.<name> may read"
        judgement.ask(
            f"who brings {named} into Secrets Manager?",
            (
                "the key custodians by their procedure, into Secrets Manager",
                "into a payment HSM, if the rules of a PIN key ask for one",
                "nobody, it is not used any more",
            ),
            "no secret is made; this tool does not carry values",
        )
    if users and use not in (Use.PLATFORM,):
        judgement.points.append((judgement.verdict, f"used by {users}"))
    if item.has("immutable") and judgement.verdict.value != "ignored":
        judgement.points.append((judgement.verdict, "its being immutable has no counterpart"))
    return judgement


def _platform(item: Item) -> str:
    type_ = item.text("type")
    if type_ in PULL_TYPES:
        return "OpenShift made it for its own registry; nodes enter ECR by their role"
    if type_ == "kubernetes.io/service-account-token":
        return "OpenShift made this token; it is worth nothing on another cluster"
    if type_ == "helm.sh/release.v1":
        return "Helm keeps its release in it; the objects themselves are judged"
    return "OpenShift's service authority made this certificate; the pod makes its own at start"


def use_secret(workload: Workload, name: str, how: str, keys: tuple[str, ...] = (), *, optional: bool = False) -> None:
    """A pod reads a Secret `how` (an environment variable, files): what takes its place in the settings."""
    judgement, export = workload.judgement, workload.export
    item = export.find("Secret", workload.item.namespace, name)
    if item is None and optional:
        judgement.changed(f"Secret {name} ({how}) is optional and not in this export")
        return
    use = classify(name, item.text("type") if item else "", keys_of(item) if item else keys, item)
    named = f"{name} ({how})"
    if use is Use.DATABASE:
        workload.uses("database")
        judgement.changed(
            f"Secret {named}: the application reads DATABASE_CONNECTION_SECRET instead and enters by its role (IAM)"
        )
        return
    if use is Use.CACHE:
        workload.uses("cache")
        judgement.changed(f"Secret {named}: the application reads CACHE_HOST instead and enters by its role (IAM)")
        return
    if use in (Use.PLATFORM, Use.SERVING) and item is not None:
        judgement.changed(f"Secret {named} stays behind, the pod makes its own certificate at start")
        return
    variable = re.sub(r"[^A-Z0-9]+", "_", f"{name}_SECRET".upper()).lstrip("_0123456789") or "SECRET"
    workload.settings.setdefault("secrets", {})[variable] = name
    workload.secrets.add(name)
    if item is None:
        judgement.ask(
            f"Secret {named} is not in this export: what is in it?",
            ("export it (only the names of its entries are read)", "it is not used any more"),
            f"{variable} names a secret of Secrets Manager that a person makes",
        )
    else:
        judgement.changed(
            f"Secret {named}: the variable {variable} names a secret of Secrets Manager, which the application "
            "reads by its role"
        )


def pulls_by(workload: Workload) -> None:
    """Pull secrets stay behind: nodes enter ECR by their role."""
    for secret in workload.pod.parts("imagePullSecrets"):
        workload.judgement.changed(f"its pull secret {secret.text('name')} stays behind, nodes enter ECR by their role")
