"""Which image runs, by digest: in the template, the trigger, or the image stream."""

from __future__ import annotations

import re
from dataclasses import dataclass

from operations.openshift.export import Export, Item, parsed
from operations.openshift.part import Part

INTERNAL_REGISTRIES = (
    "image-registry.openshift-image-registry.svc:5000/",
    "image-registry.openshift-image-registry.svc.cluster.local:5000/",
    "docker-registry.default.svc:5000/",
    "docker-registry.default.svc.cluster.local:5000/",
)
"""Names of OpenShift 4's and 3's own registry, as pods know it. From outside it is reached by its route only."""
OLD_REGISTRY = re.compile(r"^172\.30\.\d+\.\d+:5000/")
DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
TRIGGERS = "image.openshift.io/triggers"
RESOLVE_NAMES = "alpha.image.policy.openshift.io/resolve-names"


@dataclass(frozen=True)
class Image:
    """An image as far as the export knows it."""

    reference: str
    """Where it is pulled from; empty when nobody says it."""
    digest: str
    """``sha256:...``; empty when no object of the export knows it."""
    source: str
    """Which field said so, as a person reads it."""
    stream: str = ""
    """``namespace/name:tag`` that was followed."""
    follows: bool = False
    """Whether a new image was deployed by itself."""

    @property
    def internal(self) -> bool:
        """Whether only OpenShift's own registry has it."""
        return self.reference.startswith(INTERNAL_REGISTRIES) or bool(OLD_REGISTRY.match(self.reference))

    @property
    def repository(self) -> str:
        """Registry and repository without tag and digest."""
        bare = self.reference.partition("@")[0]
        head, slash, last = bare.rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}"


def find_image(export: Export, item: Item, container: Part) -> Image:
    """The image of one container, looked for in the order: template, last triggered image, stream tag, stream."""
    written = container.text("image")
    name = container.text("name")
    trigger = _trigger(item, name)
    found = DIGEST.search(written)
    tag = _tag_of(export, item, trigger, written)
    if found:
        return Image(written, found[1], "the template", tag, trigger.follows if trigger else False)
    follows = trigger.follows if trigger else False
    if trigger and (found := DIGEST.search(trigger.last)):
        return Image(trigger.last, found[1], "the trigger's last image", tag, follows)
    if tag:
        reference, digest, source = _in_streams(export, tag)
        if digest:
            return Image(reference, digest, source, tag, follows)
    return Image(written, "", "no object of this export", tag, follows)


@dataclass(frozen=True)
class _Trigger:
    tag: str
    last: str
    follows: bool


def _trigger(item: Item, container: str) -> _Trigger | None:
    """The image change trigger of a container: of a DeploymentConfig's spec, or of an annotation."""
    if item.kind == "DeploymentConfig":
        for trigger in item.parts("spec", "triggers"):
            parameters = trigger.part("imageChangeParams")
            if trigger.text("type") != "ImageChange" or container not in (
                parameters.texts("containerNames") or [container]
            ):
                continue
            origin = parameters.part("from")
            return _Trigger(
                tag=_tag(origin.text("namespace") or item.namespace, origin.text("name"), origin.text("kind")),
                last=parameters.text("lastTriggeredImage"),
                follows=parameters.flag("automatic"),
            )
    for entry in parsed(item.annotation(TRIGGERS)) or ():
        trigger = Part(entry)
        if f'"{container}"' in trigger.text("fieldPath").replace("'", '"') or "containers[0]" in trigger.text(
            "fieldPath"
        ):
            origin = trigger.part("from")
            tag = _tag(origin.text("namespace") or item.namespace, origin.text("name"), origin.text("kind"))
            return _Trigger(
                tag=tag, last="", follows=trigger.text("pause" if trigger.has("pause") else "paused") != "true"
            )
    return None


def _tag(namespace: str, name: str, kind: str) -> str:
    if not name or kind not in ("", "ImageStreamTag", "ImageStreamImage"):
        return ""
    return f"{namespace}/{name}" if ":" in name or "@" in name else f"{namespace}/{name}:latest"


def _tag_of(export: Export, item: Item, trigger: _Trigger | None, written: str) -> str:
    """The stream tag that a container follows, or that its short or internal name means."""
    if trigger and trigger.tag:
        return trigger.tag
    for registry in INTERNAL_REGISTRIES:
        if written.startswith(registry) and not DIGEST.search(written):
            path = written.removeprefix(registry)
            return path if ":" in path else f"{path}:latest"
    if OLD_REGISTRY.match(written) and not DIGEST.search(written):
        path = OLD_REGISTRY.sub("", written)
        return path if ":" in path else f"{path}:latest"
    if written and "/" not in written and not DIGEST.search(written):
        stream = written.partition(":")[0]
        found = export.find("ImageStream", item.namespace, stream)
        resolved = item.annotation(RESOLVE_NAMES) or item.template.text("metadata", "annotations", RESOLVE_NAMES)
        if resolved or (found and found.flag("spec", "lookupPolicy", "local")):
            return f"{item.namespace}/{written}" if ":" in written else f"{item.namespace}/{written}:latest"
    return ""


def _in_streams(export: Export, tag: str) -> tuple[str, str, str]:
    """Reference, digest and source of a stream tag: the tag's own object first, then the stream."""
    namespace, _, name = tag.partition("/")
    if found := DIGEST.search(name):
        stream = export.find("ImageStream", namespace, name.partition("@")[0])
        where = stream.text("status", "dockerImageRepository") if stream else ""
        return f"{where}@{found[1]}" if where else "", found[1], f"the stream image {name}"
    tagged = export.find("ImageStreamTag", namespace, name)
    if tagged:
        reference = tagged.text("image", "dockerImageReference")
        digest = DIGEST.search(reference) or DIGEST.search(f"@{tagged.text('image', 'metadata', 'name')}")
        if digest:
            return reference, digest[1], f"the stream tag {name}"
    stream_name, _, wanted = name.partition(":")
    stream = export.find("ImageStream", namespace, stream_name)
    if stream:
        for entry in stream.parts("status", "tags"):
            newest = next(iter(entry.parts("items")), None)
            if entry.text("tag") == wanted and newest:
                digest = DIGEST.search(f"@{newest.text('image')}") or DIGEST.search(newest.text("dockerImageReference"))
                if digest:
                    return newest.text("dockerImageReference"), digest[1], f"the newest item of stream tag {name}"
        for entry in stream.parts("spec", "tags"):
            origin = entry.text("from", "name")
            digest = DIGEST.search(origin)
            if entry.text("name") == wanted and digest:
                where = origin if "/" in origin else f"{stream.text('status', 'dockerImageRepository')}@{digest[1]}"
                return where, digest[1], f"the stream's tag {name}"
    return "", "", ""
