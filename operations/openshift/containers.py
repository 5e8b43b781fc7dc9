"""Containers in addition to the application's, and the command that the application's own runs."""

from __future__ import annotations

import re

from operations.openshift.part import Part
from operations.openshift.sensitive import holds_secret
from operations.openshift.workload import Workload, helper_of, others, store_of

WAITS = re.compile(r"wait|until .*(nc|curl|pg_isready|mysqladmin|getent|nslookup)|depends", re.I)
MIGRATES = re.compile(r"flyway|liquibase|migrat|alembic|schema", re.I)
STEERS = re.compile(r"(^|/|\s)(oc|kubectl|helm)(\s|$)")
ONE_CONTAINER = "a pod here has one container"


def judge_containers(workload: Workload) -> None:
    """Sidecars, init containers, and the main container's command."""
    judgement = workload.judgement
    for container in others(workload):
        _judge_sidecar(workload, container)
    for container in workload.pod.parts("initContainers"):
        _judge_init(workload, container)
    if workload.pod.has("ephemeralContainers"):
        judgement.changed("its ephemeral containers end with the pod")
    _take_command(workload)


def _judge_sidecar(workload: Workload, container: Part) -> None:
    judgement, name = workload.judgement, container.text("name")
    helper = helper_of(container)
    words = _words(container)
    image = container.text("image") or "no image"
    if helper is None:
        judgement.ask(
            f"{ONE_CONTAINER}, and {name} ({image}) is a second one: what becomes of it?",
            ("a service of its own", "a part of the application's image", "dropped"),
            "it is dropped",
        )
    elif helper.verdict == "impossible":
        judgement.impossible(f"container {name} ({image}): {helper.why}", helper.instead)
    elif helper.verdict == "decision":
        judgement.ask(
            f"container {name} ({image}) {helper.why}: what takes its place?",
            (helper.instead, "the Vault stays, over the VPN"),
            "it is dropped",
        )
    else:
        judgement.changed(f"container {name} ({image}) {helper.why}")
    if STEERS.search(words):
        judgement.impossible(
            f"container {name} steers the cluster by `oc`, and a pod here has no Kubernetes token", "leave it behind"
        )


def _judge_init(workload: Workload, container: Part) -> None:
    judgement, name = workload.judgement, container.text("name")
    words = f"{name} {Part(container.value).text('image')} {_words(container)}"
    as_root = container.text("securityContext", "runAsUser") == "0"
    if as_root:
        judgement.ask(
            f"init container {name} runs as root, which no pod here may: is its work still needed?",
            ("no, as there are no volumes whose owner it would change", "yes, in the image's build"),
            "it is dropped",
        )
    if STEERS.search(words):
        judgement.impossible(
            f"init container {name} steers the cluster by `oc`, and a pod here has no Kubernetes token",
            "leave it behind",
        )
    elif MIGRATES.search(words):
        judgement.ask(
            f"init container {name} changes the schema at each start: when shall that run?",
            ("a one-off job of the settings (`before`), which runs once for each image", "in the application"),
            "it does not run",
        )
    elif WAITS.search(words):
        judgement.changed(
            f"init container {name} ({container.text('image') or 'no image'}) is not needed: the readiness check "
            "waits, and `start_after` orders services"
        )
    elif not as_root:
        judgement.ask(
            (
                f"{ONE_CONTAINER} and no init container such as {name} ({container.text('image') or 'no image'}): "
                "where does its work go?"
            ),
            ("into the image", "a one-off job of the settings", "dropped"),
            "it is dropped",
        )


def _words(container: Part) -> str:
    """Its command line; the fields do not count as read, and so they are named as staying behind."""
    unread = Part(container.value)
    return " ".join((*unread.texts("command"), *unread.texts("args")))


def _take_command(workload: Workload) -> None:
    judgement, main = workload.judgement, workload.main
    for field, setting in (("command", "command"), ("args", "arguments")):
        words = main.texts(field)
        if not words:
            continue
        joined = " ".join(words)
        if any(holds_secret(word, workload.export.secret_values) for word in words) or holds_secret(
            joined, workload.export.secret_values
        ):
            judgement.ask(
                f"its {field} holds what looks like a secret (withheld): how does the application get it?",
                ("from Secrets Manager, by `secrets` of the settings", "it is none, then write the command yourself"),
                f"no {setting} is written",
            )
            continue
        if not workload.is_job and store_of(workload.image.reference):
            judgement.changed(f"its {field} ends with it")
            continue
        workload.settings[setting] = words
        judgement.changed(f"{setting} {' '.join(words)!r}"[:120])
    if STEERS.search(_words(main)) or re.search(
        r"/(cli|ose-cli|origin-cli|oc|kubectl)(:|@|$)", workload.image.reference
    ):
        judgement.impossible(
            "it steers the cluster by `oc` or `kubectl` with a Kubernetes token, which pods here do not have",
            "find out why it is needed; what restarts or changes pods is the pipeline's work",
        )
