"""Verdicts on how images come to be: streams, builds, templates."""

from __future__ import annotations

from operations.openshift.export import WORKLOADS, Export, Item
from operations.openshift.images import INTERNAL_REGISTRIES, find_image
from operations.openshift.part import Part
from operations.openshift.sensitive import without_login
from operations.openshift.verdict import Judgement, few


def streams_in_use(export: Export) -> dict[str, list[str]]:
    """Services by the stream (``namespace/name``) whose image they run."""
    found: dict[str, list[str]] = {}
    for item in export.of(*WORKLOADS):
        spec = Part(item.template.value).part("spec")
        for container in (*spec.parts("initContainers"), *spec.parts("containers")):
            image = find_image(export, item, container)
            path = image.stream or next(
                (
                    image.reference.removeprefix(registry)
                    for registry in INTERNAL_REGISTRIES
                    if image.reference.startswith(registry)
                ),
                "",
            )
            if path:
                users = found.setdefault(path.partition("@")[0].partition(":")[0], [])
                if item.label not in users:
                    users.append(item.label)
    return found


def judge_stream(export: Export, item: Item) -> Judgement:
    """The verdict on an ImageStream."""
    judgement = Judgement(item.label)
    users = export.streams_in_use.get(f"{item.namespace}/{item.name}", [])
    tags = []
    for tag in item.parts("status", "tags"):
        entries = tag.parts("items")
        digest = entries[0].text("image") if entries else "no image"
        tags.append(
            f"{tag.text('tag')} is digest {digest}{f', with {len(entries) - 1} older' if len(entries) > 1 else ''}"
        )
    followed = []
    for tag in item.parts("spec", "tags"):
        origin = f"{tag.text('from', 'kind')} {tag.text('from', 'name')}".strip() or "nothing"
        followed.append(
            f"{tag.text('name')} follows "
            f"{origin}{', imported again and again' if tag.flag('importPolicy', 'scheduled') else ''}"
        )
    if not tags and not followed:
        judgement.target = "none"
        judgement.ignored("it holds no image")
        return judgement
    services = few(f"services.{user.partition('/')[2]}.image_digest" for user in users)
    judgement.target = ", ".join(filter(None, ("images in ECR", services)))
    judgement.changed(
        "ECR takes the place of the stream; only the digest that runs is needed, and an older one if a way back "
        f"to it is wanted ({'; '.join(tags) or 'no tag holds an image'})"
    )
    if followed:
        judgement.changed(f"nothing follows a tag any more ({'; '.join(followed)})")
    judgement.changed(
        f"{few(users)} runs it"
        if users
        else "no workload of this export runs it; copy it only if something builds on it"
    )
    if item.flag("spec", "lookupPolicy", "local"):
        judgement.changed("its name stands for an image in pods (lookupPolicy local); here only the digest does")
    if not tags:
        judgement.ask(
            "its tags hold no image yet, or the import failed: which image is meant?",
            ("export it again", "leave it behind"),
            "nothing is copied",
        )
    return judgement


def judge_build_config(export: Export, item: Item) -> Judgement:
    """The verdict on a BuildConfig: nothing here builds."""
    judgement = Judgement(item.label, "the image pipeline (outside this product), ECR")
    spec = item.part("spec")
    git = without_login(spec.text("source", "git", "uri"))
    branch, folder = spec.text("source", "git", "ref"), spec.text("source", "contextDir")
    where = ", ".join(filter(None, (f"branch {branch}" if branch else "", f"folder {folder}" if folder else "")))
    source = (
        f"from {git}{f' ({where})' if where else ''}"
        if git
        else f"from {spec.text('source', 'type') or 'an unknown source'}"
    )
    output = spec.text("output", "to", "name") or "nowhere"
    strategy = spec.part("strategy")
    how = strategy.text("type") or "unknown"
    builder = next(
        (
            strategy.text(name, "from", "name")
            for name in ("sourceStrategy", "dockerStrategy", "customStrategy")
            if strategy.value.get(name)
        ),
        "",
    )
    secrets = [
        name
        for name in (spec.text("source", "sourceSecret", "name"), spec.text("output", "pushSecret", "name"))
        if name
    ]
    triggers = [trigger.text("type") for trigger in spec.parts("triggers")]
    builds = [
        build for build in export.of("Build") if build.annotations.get("openshift.io/build-config.name") == item.name
    ]
    judgement.ask(
        (
            f"OpenShift builds {output} {source} by {how}{f' on its builder {builder}' if builder else ''}, and "
            "nothing here builds: who does?"
        ),
        ("a pipeline that builds, scans, signs and pushes to ECR by digest", "nobody: the image is not built any more"),
        f"the image that runs now is copied{f' ({builds[-1].label})' if builds else ''}",
    )
    if secrets:
        judgement.changed(f"Secrets {', '.join(secrets)} are the pipeline's own affair")
    if triggers:
        judgement.changed(f"its triggers ({', '.join(triggers)}) end")
    return judgement


def judge_build(_export: Export, item: Item) -> Judgement:
    """The verdict on a Build."""
    judgement = Judgement(item.label)
    phase = item.text("status", "phase")
    if phase in ("Running", "New", "Pending"):
        judgement.ask(
            "it builds now: is its image the one that moves?",
            ("yes, export again when it has ended", "no"),
            "the image that runs now is copied",
        )
    else:
        judgement.ignored(f"a build that has ended{f' ({phase})' if phase else ''}; its BuildConfig is judged")
    return judgement


def judge_template(_export: Export, item: Item) -> Judgement:
    """The verdict on a Template: parameters by name, never by value."""
    judgement = Judgement(item.label, "none until it is processed")
    parameters = []
    for parameter in item.parts("parameters"):
        name = parameter.text("name")
        if parameter.has("generate"):
            says = "is generated"
        elif parameter.has("value"):
            says = "has a default"
        else:
            says = "has no value"
        required = parameter.flag("required")
        parameters.append(f"{name} {says}{' and is required' if required else ''}")
        for field in ("value", "generate", "description", "displayName"):
            parameter.has(field)
    kinds = [f"{found.text('kind')} {found.text('metadata', 'name')}" for found in item.parts("objects")]
    judgement.ask(
        (
            f"a template is not what runs ({', '.join(kinds) or 'it makes nothing'}; parameters: "
            f"{', '.join(parameters) or 'none'}): what did it make?"
        ),
        ("export the objects that it made", "run `oc process` with the parameters and read that"),
        "its objects are not judged",
    )
    return judgement
