"""What `convert` writes: settings, secrets to create, commands that copy images, and what a person must do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from command_line.exits import BAD_INPUT, Stop
from command_line.project import ROOT
from operations.openshift.images import INTERNAL_REGISTRIES, OLD_REGISTRY
from operations.openshift.review import Review
from operations.openshift.verdict import Judgement, Verdict
from operations.openshift.workload import NOT_WRITTEN, Workload
from recording.configuration import ConfigurationError, read_configuration
from settings.groups import known_keys

SERVICES = "softpos:services"
REPOSITORY = "softpos"
"""The account's one repository; the digest says which image is meant, the tag keeps it from being cleaned away."""
SERVICE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
RESERVED = ("database", "cache", "edge")
JOB_FIELDS = frozenset(
    [
        "image",
        "command",
        "arguments",
        "cpu_request",
        "cpu_limit",
        "memory",
        "uses",
        "environment",
        "secrets",
        "files",
        "schedule",
        "time_zone",
        "concurrency",
        "deadline_seconds",
        "retries",
    ]
)
PLAIN_REFERENCE = re.compile(r"[\w./:@-]+")
DIGEST_LETTERS = 12


@dataclass(frozen=True)
class Target:
    """Where the application goes."""

    stack: str
    account: str
    region: str
    zone: str
    host: str
    """The stack's own public name (edgeHostName)."""

    @property
    def registry(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"

    def image(self, digest: str) -> str:
        """An image in the account's repository."""
        return f"{self.registry}/{REPOSITORY}@{digest}"


@dataclass(frozen=True)
class Conversion:
    """The services that can be written, and why others or parts of them cannot."""

    services: Mapping[str, dict[str, Any]]
    edge: Mapping[str, Any]
    left_out: tuple[str, ...]


def target_of(stack: str) -> Target:
    """Account, Region and names of a stack, from its file.

    Raises:
        Stop: when there is no such stack or a value is missing.
    """
    try:
        values = read_configuration(ROOT, stack, {}).values
    except ConfigurationError as error:
        raise Stop(BAD_INPUT, str(error)) from None
    wanted = ("softpos:accountId", "aws:region", "softpos:edgeZoneName", "softpos:edgeHostName")
    missing = [key for key in wanted if not values.get(key)]
    if missing:
        raise Stop(
            BAD_INPUT, f"{missing[0]}: nothing is not allowed; allowed: a value in Pulumi.{stack}.yaml; write it there."
        )
    account, region, zone, host = (values[key] for key in wanted)
    return Target(stack=stack, account=account, region=region, zone=zone, host=host)


def convert(review: Review, target: Target) -> Conversion:
    """The settings of every service that can run as it is written."""
    services: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for workload in review.workloads:
        if review.settings.get(workload.name) is not workload.settings:
            continue
        reason = _why_not(workload)
        if reason:
            left_out.append(f"{workload.name}: {reason}.")
        else:
            services[workload.name] = _service(workload, target)
    left_out += _publish(review, services, target)
    for name, settings in review.settings.items():
        for caller in settings.get("callers", ()):
            problem = next((f"{end} is not in the settings" for end in (name, caller) if end not in services), "")
            if not problem and not services[name].get("port"):
                problem = f"{name} has no port"
            if problem:
                left_out.append(f"{caller} calls {name}: not written, {problem}.")
            else:
                services[name].setdefault("callers", []).append(caller)
    idle = review.settings.get("edge", {}).get("idle_timeout_seconds")
    edge = {"softpos:edgeIdleTimeoutSeconds": idle} if idle else {}
    return Conversion(services, edge, tuple(left_out))


def _why_not(workload: Workload) -> str:
    """Why a workload is not written; empty when it is."""
    if workload.judgement.verdict is Verdict.IMPOSSIBLE:
        return "it cannot run here as it is"
    if not SERVICE_NAME.fullmatch(workload.name) or workload.name in RESERVED:
        return (
            "its name must be 1 to 32 lower-case letters, digits and hyphens, a letter first, and none of "
            f"{', '.join(RESERVED)}"
        )
    if not workload.image.digest:
        return "the digest of its image is unknown"
    return "a question must be answered first" if NOT_WRITTEN in workload.judgement.says else ""


def _service(workload: Workload, target: Target) -> dict[str, Any]:
    found = {key: value for key, value in workload.settings.items() if key not in ("image_digest", "paths", "callers")}
    service = {"image": target.image(workload.image.digest), **found}
    if "secrets" in service:
        service["secrets"] = {variable: secret_path(target, name) for variable, name in service["secrets"].items()}
    if workload.is_job:
        return {key: value for key, value in service.items() if key in JOB_FIELDS}
    if not service.get("port"):
        service.pop("health_path", None)
        service.pop("live_path", None)
    return service


def secret_path(target: Target, name: str) -> str:
    """Name in Secrets Manager of a Secret."""
    return f"{REPOSITORY}/{target.stack}/{name}"


def _publish(review: Review, services: Mapping[str, dict[str, Any]], target: Target) -> Iterator[str]:
    """Give services their public paths; one host each, within the stack's zone."""
    for entry in review.entries:
        name = f"{entry.route.label} ({entry.host}{entry.paths[0]})"
        service = services.get(entry.service)
        if not entry.public:
            yield f"{name}: not published, a question must be answered first."
        elif service is None:
            yield f"{name}: not published, {entry.service or 'its service'} is not in the settings."
        elif not service.get("port"):
            yield f"{name}: not published, {entry.service} has no port."
        elif not entry.host.endswith(f".{target.zone}"):
            yield (
                f"{name}: not published, the host lies outside {target.zone} (softpos:edgeZoneName of {target.stack})."
            )
        elif service.get("paths") and service.get("host", target.host) != entry.host:
            yield (
                f"{name}: not published, {entry.service} serves {service.get('host', target.host)} already and a "
                "service has one host."
            )
        else:
            if entry.host != target.host:
                service["host"] = entry.host
            service.setdefault("paths", []).extend(path for path in entry.paths if path not in service.get("paths", ()))


# ---- Files -----------------------------------------------------------------------------------------------------------


def files_of(review: Review, target: Target, out: Path, exports: tuple[str, ...]) -> dict[Path, str]:
    """Every file by its path, in the order in which they are written; the page is the last one."""
    conversion = convert(review, target)
    base = out.with_suffix("")
    return {
        out: settings_text(conversion, exports),
        base.with_name(f"{base.name}-secrets.csv"): secrets_text(review, target),
        base.with_name(f"{base.name}-images.sh"): images_text(review, conversion, target),
        base.with_name(f"{base.name}-open.md"): page_text(review, conversion, target, exports),
    }


def settings_text(conversion: Conversion, exports: tuple[str, ...]) -> str:
    """The settings in the form of a stack's file."""
    head = (
        f"# Settings converted from {', '.join(exports)}. The page next to this file says what a person must still "
        "do.\n"
    )
    config: dict[str, Any] = {}
    if conversion.services:
        config["softpos:serviceImage"] = ""
        config[SERVICES] = conversion.services
    config.update(conversion.edge)
    text: str = yaml.dump({"config": config}, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    return head + text


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, with texts of several lines as blocks."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def secrets_text(review: Review, target: Target) -> str:
    """The secrets that a person creates in Secrets Manager: names of their entries, and who reads them."""
    readers: dict[str, list[str]] = {}
    for workload in review.workloads:
        for name in workload.secrets:
            readers.setdefault(name, []).append(workload.name)
    keys = {
        judgement.object.partition("/")[2]: judgement.keys
        for judgement in review.judgements
        if _is_secret_to_create(judgement)
    }
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("secret in Secrets Manager", "Secret on OpenShift", "entries", "services"))
    for name in sorted({*readers, *keys}):
        table.writerow(
            (secret_path(target, name), name, " ".join(keys.get(name, ())), " ".join(sorted(readers.get(name, ()))))
        )
    return text.getvalue()


def _is_secret_to_create(judgement: Judgement) -> bool:
    return judgement.object.startswith("Secret/") and "Secrets Manager" in judgement.target


def images_text(review: Review, conversion: Conversion, target: Target) -> str:
    """A script that copies each image by its digest into the account's repository."""
    lines, unknown = [], []
    copied = set()
    internal = False
    for workload in review.workloads:
        image = workload.image
        if not image.digest:
            if not workload.settings:
                continue
            unknown.append(f"# {workload.name}: the digest is unknown ({_plain(image.reference) or 'blank image'})")
            continue
        written = workload.name in conversion.services and review.settings.get(workload.name) is workload.settings
        if image.digest in copied or not written:
            continue
        copied.add(image.digest)
        source, own = _source(image.reference, image.digest)
        internal = internal or own
        tag = f"{workload.name}-{image.digest.removeprefix('sha256:')[:DIGEST_LETTERS]}"
        if source:
            lines.append(f'copy "{source}" {tag}')
        else:
            unknown.append(f"# {workload.name}: nobody says which registry holds {image.digest}")
    head = [
        "#!/usr/bin/env bash",
        (
            "# Copies the application's images by digest into the account's repository. Needs skopeo and the AWS "
            "CLI, and logins"
        ),
        "# of the old registries (skopeo login).",
        "set -euo pipefail",
        (
            f"aws ecr get-login-password --region {target.region} | skopeo login --username AWS --password-stdin "
            f"{target.registry}"
        ),
    ]
    if internal:
        head.append(
            'registry="${OPENSHIFT_REGISTRY:?the registry as it is reached from here: oc get route default-route '
            '-n openshift-image-registry}"'
        )
    if lines:
        head.append(
            f'copy() {{ skopeo copy --all --preserve-digests "docker://$1" '
            f'"docker://{target.registry}/{REPOSITORY}:$2"; }}'
        )
    return "\n".join((*head, *lines, *unknown)) + "\n"


def _plain(reference: str) -> str:
    return reference if PLAIN_REFERENCE.fullmatch(reference) else ""


def _source(reference: str, digest: str) -> tuple[str, bool]:
    """Where an image is copied from, and whether that is OpenShift's own registry."""
    if not _plain(reference):
        return "", False
    bare = reference.partition("@")[0]
    for registry in INTERNAL_REGISTRIES:
        if bare.startswith(registry):
            return f"$registry/{bare.removeprefix(registry)}@{digest}", True
    if OLD_REGISTRY.match(bare):
        return f"$registry/{OLD_REGISTRY.sub('', bare)}@{digest}", True
    head, slash, last = bare.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}@{digest}", False


def page_text(review: Review, conversion: Conversion, target: Target, exports: tuple[str, ...]) -> str:
    """What a person must still do, in the order of weight."""
    parts = [f"# From OpenShift to the stack {target.stack}\n", f"Read from {', '.join(exports)}.\n"]
    if conversion.services and not any(key.name == SERVICES for key in known_keys()):
        parts.append(f"This version of the program does not know `{SERVICES}` yet: a rehearsal refuses the settings.\n")
    for verdict, title in ((Verdict.IMPOSSIBLE, "Not possible as it is"), (Verdict.DECISION, "Questions to decide")):
        found = [judgement for judgement in review.judgements if judgement.verdict is verdict]
        if found:
            parts.append(f"## {title}\n")
            parts += [f"- [ ] **{judgement.object}** ({judgement.target}): {judgement.says}" for judgement in found]
            parts.append("")
    sections = (
        ("Not written to the settings", [f"- {line}" for line in conversion.left_out]),
        ("About the whole", [f"- {line}" for line in review.project]),
        (
            "What changes by itself",
            [
                f"- **{judgement.object}** ({judgement.target}): {judgement.says}"
                for judgement in review.judgements
                if judgement.verdict in (Verdict.CHANGED, Verdict.CARRIED)
            ],
        ),
    )
    for title, lines in sections:
        if lines:
            parts += [f"## {title}\n", *lines, ""]
    return "\n".join(parts).rstrip() + "\n"
