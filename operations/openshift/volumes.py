"""Where a pod reads and writes: here /tmp only, and read-only files from the settings."""

from __future__ import annotations

from operations.openshift.configuration import BUNDLES, entries, is_bundle
from operations.openshift.limits import FILES_KIBIBYTES, SCRATCH_MEBIBYTES
from operations.openshift.part import Part
from operations.openshift.quantity import quantity
from operations.openshift.secrets import use_secret
from operations.openshift.sensitive import holds_secret
from operations.openshift.workload import Workload

TMP = "/tmp"  # noqa: S108 (the container's own)
ONLY_TMP = f"the only writable place here is {TMP} ({SCRATCH_MEBIBYTES} MiB of memory)"


def judge_volumes(workload: Workload) -> None:
    """Each volume of the pod, with the places where the application mounts it."""
    for volume in workload.pod.parts("volumes"):
        name = volume.text("name")
        places = [mount for mount in workload.main.parts("volumeMounts") if mount.text("name") == name]
        paths = [mount.text("mountPath") for mount in places]
        where = ", ".join(paths) or "no place of the application"
        _judge(workload, volume, name, where, places)
        for mount in places:
            mount.has("readOnly")
            mount.has("subPath")
    for device in workload.main.parts("volumeDevices"):
        workload.judgement.impossible(
            f"it uses the raw device {device.text('devicePath')}", "ADR 0012: no volumes here"
        )


def _judge(workload: Workload, volume: Part, name: str, where: str, places: list[Part]) -> None:
    judgement = workload.judgement
    if volume.has("emptyDir"):
        _judge_scratch(workload, volume.part("emptyDir"), where)
    elif volume.has("hostPath"):
        judgement.impossible(
            f"it mounts {volume.text('hostPath', 'path')} of the node at {where} (hostPath)",
            "nothing of a node is open to a pod",
        )
    elif claim := volume.text("persistentVolumeClaim", "claimName"):
        judgement.ask(
            (
                f"it uses the volume {claim} at {where}, and nothing in the cluster keeps data ({ONLY_TMP}): where "
                "do these files go?"
            ),
            (
                "object storage (S3) by the application itself",
                "the server where they are, over the VPN",
                "not needed any more",
            ),
            "no volume is there",
        )
    elif volume.has("ephemeral") or volume.has("nfs"):
        judgement.ask(
            f"its volume {name} at {where} has no counterpart: where do these files go?",
            ("S3", TMP),
            "no volume is there",
        )
    elif volume.has("csi"):
        judgement.ask(
            (
                f"its volume {name} at {where} is made by the driver {volume.text('csi', 'driver')}, which is not "
                "there: what takes its place?"
            ),
            ("Secrets Manager, if it brings secrets", "nothing"),
            "no volume is there",
        )
    elif volume.has("configMap"):
        _take_files(workload, volume.part("configMap"), volume.text("configMap", "name"), places)
    elif volume.has("secret"):
        use_secret(
            workload,
            volume.text("secret", "secretName"),
            f"files at {where}",
            optional=volume.flag("secret", "optional"),
        )
    else:
        _judge_other(workload, volume, name, where, places)


def _judge_other(workload: Workload, volume: Part, name: str, where: str, places: list[Part]) -> None:
    """Files about the pod itself, and volumes of several sources."""
    judgement = workload.judgement
    if volume.has("downwardAPI"):
        judgement.changed(f"the files at {where} about the pod itself (downwardAPI) are not there")
    elif volume.has("projected"):
        for source in volume.parts("projected", "sources"):
            if source.has("serviceAccountToken"):
                judgement.impossible(
                    "it reads a Kubernetes token from a file", "pods here have none; AWS lets it in by its role"
                )
            if source.has("configMap"):
                _take_files(workload, source.part("configMap"), source.text("configMap", "name"), places)
            if source.has("secret"):
                use_secret(
                    workload,
                    source.text("secret", "name"),
                    f"files at {where}",
                    optional=source.flag("secret", "optional"),
                )
    else:
        kinds = sorted(set(volume.value) - {"name"})
        judgement.ask(
            f"its volume {name} ({', '.join(kinds) or 'of no kind'}) at {where} is unknown here: what does it hold?",
            ("leave it behind",),
            "no volume is there",
        )


def _judge_scratch(workload: Workload, scratch: Part, where: str) -> None:
    judgement = workload.judgement
    size = scratch.text("sizeLimit")
    scratch.has("medium")
    if where.startswith("no place"):
        return
    if (quantity(size) or 0) > SCRATCH_MEBIBYTES * 2**20:
        judgement.ask(
            f"{where} of {size} does not fit the {SCRATCH_MEBIBYTES} MiB of {TMP}: what needs the room?",
            (f"a larger `scratch` in the settings, which counts as memory, and {TMP} in the application", "S3"),
            f"{TMP} has {SCRATCH_MEBIBYTES} MiB",
        )
    elif where != TMP:
        judgement.changed(f"{where} is an emptyDir; {ONLY_TMP}, so the application must write there")
    else:
        judgement.carried(f"{TMP} is writable")


def _take_files(workload: Workload, source: Part, name: str, places: list[Part]) -> None:
    judgement = workload.judgement
    found = workload.export.find("ConfigMap", workload.item.namespace, name)
    if found is None and name not in BUNDLES:
        if source.flag("optional"):
            judgement.changed(f"ConfigMap {name} is optional and not in this export")
            return
        judgement.ask(
            f"ConfigMap {name}, whose files it reads, is not in this export: what is in it?",
            ("export it (`oc get configmap -o yaml`)",),
            "no file is written",
        )
        return
    if name in BUNDLES or (found and is_bundle(found)):
        where = ", ".join(mount.text("mountPath") for mount in places) or name
        judgement.ask(
            f"it trusts the authorities of {name} at {where}, which only OpenShift fills: whom does it really call?",
            ("public authorities, which the image has", "the data centre's own authority, as a file of the settings"),
            "the file is not there",
        )
        return
    assert found is not None  # noqa: S101 (both other cases have returned)
    wanted = {item.text("key"): item.text("path") for item in source.parts("items")}
    for mount in places:
        base, part = mount.text("mountPath").rstrip("/"), mount.text("subPath")
        for key, content in entries(found).items():
            file = wanted.get(key, "" if wanted else key)
            if not file or (part and part != file):
                continue
            path = base if part else f"{base}/{file}"
            _take_file(workload, name, key, path, content)


def _take_file(workload: Workload, name: str, key: str, path: str, content: str) -> None:
    judgement, files = workload.judgement, workload.settings.setdefault("files", {})
    from operations.openshift.environment import judge_addresses

    if holds_secret(content, workload.export.secret_values):
        judgement.changed(f"the file {path} is not written, it holds what looks like a secret (see ConfigMap {name})")
    elif path.startswith(f"{TMP}/"):
        judgement.changed(f"the file {path} cannot be below {TMP}, give it another place")
    elif sum(map(len, files.values())) + len(content) > FILES_KIBIBYTES * 1024:
        judgement.ask(
            f"the file {path} makes its files larger than {FILES_KIBIBYTES} KiB: where does it go?",
            ("into the image", "S3"),
            "it is not written",
        )
    else:
        files[path] = content
        judgement.changed(f"the file {path} comes from the settings (ConfigMap {name}, {key})")
    judge_addresses(workload, f"file {path}", content)
    if not files:
        del workload.settings["files"]
