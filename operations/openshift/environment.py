"""A container's environment: plain values become settings, secrets do not, addresses say whom it calls."""

from __future__ import annotations

import re

from operations.openshift.addresses import Address, addresses, is_inside, is_own, service_of, store_behind
from operations.openshift.configuration import entries
from operations.openshift.part import Part
from operations.openshift.quantity import quantity
from operations.openshift.secrets import CACHE, DATABASE, keys_of, use_secret
from operations.openshift.sensitive import holds_secret, looks_secret, without_login
from operations.openshift.workload import Workload

PROXY = re.compile(r"^(https?|all|ftp)_proxy$", re.I)
ONLY_ONE = re.compile(r"only_?one|single(ton|_instance)|leader|is_?primary|run_?once|exclusive", re.I)
KUBERNETES_API = re.compile(r"^(OPENSHIFT_KUBE_PING|KUBERNETES_(NAMESPACE|MASTER|SERVICE)|OPENSHIFT_DNS_PING)", re.I)
HEAP = re.compile(r"-Xmx(\d+)([kmg]?)", re.I)
NAMES_FOR_EVER = re.compile(r"networkaddress\.cache\.ttl=-1|inetaddr\.ttl=-1")
MEANS = {"database": "DATABASE_CONNECTION_SECRET", "cache": "CACHE_HOST"}
GIVEN = re.compile(r"^(AWS_|TLS_PORT$|DATABASE_CONNECTION_SECRET$|CACHE_(HOST|READER_HOST|PORT|NAME|USER)$)")
"""Variables that the product sets itself."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def judge_environment(workload: Workload) -> None:
    """Each variable of the application's container, and the addresses in its arguments."""
    main, judgement = workload.main, workload.judgement
    for source in main.parts("envFrom"):
        _take_source(workload, source)
    for variable in main.parts("env"):
        name = variable.text("name")
        if variable.has("valueFrom"):
            _take_reference(workload, name, variable.part("valueFrom"))
        else:
            value = variable.get("value")
            _take_value(workload, name, value if isinstance(value, str) else variable.text("value"))
    for word in (*main.texts("command"), *main.texts("args")):
        judge_addresses(workload, "arguments", word)
        _judge_java(workload, word)
    if "environment" in workload.settings and not workload.settings["environment"]:
        del workload.settings["environment"]
    unused = {"HOSTNAME"} & workload.settings.get("environment", {}).keys()
    if unused:
        judgement.changed("HOSTNAME is the pod's own name here")


def _take_source(workload: Workload, source: Part) -> None:
    prefix = source.text("prefix")
    if name := source.text("secretRef", "name"):
        found = workload.export.find("Secret", workload.item.namespace, name)
        keys = keys_of(found) if found else ()
        use_secret(
            workload,
            name,
            f"all its entries as variables{f' with {prefix}' if prefix else ''}",
            keys,
            optional=source.flag("secretRef", "optional"),
        )
    name = source.text("configMapRef", "name")
    if not name:
        return
    found = workload.export.find("ConfigMap", workload.item.namespace, name)
    if found:
        for key, value in entries(found).items():
            _take_value(workload, f"{prefix}{key}", value, f"ConfigMap {name}")
    elif source.flag("configMapRef", "optional"):
        workload.judgement.changed(f"ConfigMap {name} is optional and not in this export")
    else:
        _ask_missing(workload, name, "its environment")


def _take_reference(workload: Workload, name: str, source: Part) -> None:
    judgement = workload.judgement
    if secret := source.text("secretKeyRef", "name"):
        key = source.text("secretKeyRef", "key")
        use_secret(workload, secret, f"{key} as {name}", (key,), optional=source.flag("secretKeyRef", "optional"))
    elif config := source.text("configMapKeyRef", "name"):
        found = workload.export.find("ConfigMap", workload.item.namespace, config)
        key = source.text("configMapKeyRef", "key")
        if found and key in entries(found):
            _take_value(workload, name, entries(found)[key], f"ConfigMap {config}, {key}")
        elif source.flag("configMapKeyRef", "optional"):
            judgement.changed(f"{name} of ConfigMap {config} is optional and not in this export")
        else:
            _ask_missing(workload, config, f"{key} for {name}")
    elif field := source.text("fieldRef", "fieldPath"):
        source.has("fieldRef", "apiVersion")
        judgement.changed(f"{name} ({field} of the pod) is not set; the host name is the pod's name")
    elif resource := source.text("resourceFieldRef", "resource"):
        judgement.changed(f"{name} ({resource} of the container) is not set")
        source.get("resourceFieldRef")
    else:
        judgement.changed(f"{name} comes from {', '.join(source.value) or 'nowhere'} and is not set")


def _ask_missing(workload: Workload, name: str, what: str) -> None:
    workload.judgement.ask(
        f"ConfigMap {name} ({what}) is not in this export: what is in it?",
        ("export it (`oc get configmap -o yaml`)", "it is not used any more"),
        "these variables are not written",
    )


def _take_value(workload: Workload, name: str, value: str, origin: str = "") -> None:
    judgement = workload.judgement
    shown = f"{name}{f' ({origin})' if origin else ''}"
    known = workload.export.secret_values
    if PROXY.match(name):
        _ask_proxy(workload, shown, value)
        return
    if name.lower() == "no_proxy":
        judgement.changed(f"{shown} is not set, there is no proxy")
        return
    if looks_secret(name, value, known):
        judgement.ask(
            f"{shown} holds what looks like a secret (value withheld): how does the application get it?",
            (
                "from Secrets Manager, by `secrets` of the settings",
                "it is none, then write it into the settings yourself",
            ),
            "it is not written",
        )
        _note_stores(workload, name, value)
        return
    if ONLY_ONE.search(name) and value.lower() in ("true", "1", "yes"):
        judgement.ask(
            (
                f"{name}={value} says that it must not run twice, and here two at least run, and old and new overlap "
                "in a rollout: what keeps it alone?"
            ),
            ("a lock in the database or the cache", "a job on a schedule", "it may run twice"),
            "two run",
        )
    if KUBERNETES_API.match(name):
        judgement.ask(
            f"{name} finds its fellows by the Kubernetes API, and pods here have no token: how do they meet?",
            ("in the cache", "not at all"),
            "it is not written",
        )
        return
    _judge_java(workload, value)
    if GIVEN.match(name):
        judgement.changed(f"{shown} is set by the product itself")
        return
    if not VARIABLE.fullmatch(name):
        judgement.changed(f"{shown} is no name of a variable here and is not set")
        return
    if judge_addresses(workload, name, value):
        return
    workload.settings.setdefault("environment", {})[name] = value
    if value:
        judgement.changed(f"{shown} becomes a setting")
    else:
        judgement.changed(f"{shown} becomes an empty setting")


def _note_stores(workload: Workload, name: str, value: str) -> None:
    for address in addresses(name, value):
        if address.store:
            workload.uses(address.store)
            workload.judgement.changed(
                f"{name} leads to the {address.store}: the application reads {MEANS[address.store]} instead"
            )


def _ask_proxy(workload: Workload, shown: str, value: str) -> None:
    host = without_login(value) if not holds_secret(value, workload.export.secret_values) else "(withheld)"
    found = next(addresses("host", value), None)
    workload.judgement.ask(
        f"it goes out by the proxy {found.host if found else host} ({shown}): does it keep that way?",
        (
            "over the VPN to the proxy, as `outside` of the settings",
            "by the NAT gateways, with `outside` for each partner",
        ),
        "it has no way out",
    )


def judge_addresses(workload: Workload, name: str, text: str) -> bool:
    """Say whom a text's addresses mean; True when the product gives the address itself and the text is not needed."""
    export, judgement, replaced = workload.export, workload.judgement, False
    for address in addresses(name, text):
        if is_own(address):
            continue
        service = service_of(export, workload.item.namespace, address.host)
        outward = Part(service.value).text("spec", "externalName") if service else ""
        store = address.store or (store_behind(export, service) if service else "") or _store_named(name, address)
        if store in MEANS:
            workload.uses(store)
            judgement.changed(
                f"{name}: its {'session ' if store == 'cache' else ''}address {address.host} becomes {MEANS[store]}"
            )
            replaced = True
        elif outward:
            _ask_outside(workload, name, outward, address.port)
        elif service:
            _call(workload, name, address.host, service.namespace, service.name)
        elif is_inside(address.host):
            judgement.ask(
                f"{name} names {address.host}, which is no Service of this export: what is it?",
                (
                    "a Service of another project, export it too",
                    "a host of the data centre, as `outside` of the settings",
                    "not used any more",
                ),
                "it has no way there",
            )
        else:
            _ask_outside(workload, name, address.host, address.port)
    return replaced


def _store_named(name: str, address: Address) -> str:
    """What a variable such as DB_HOST says by its name, where the address says nothing."""
    if address.scheme or address.port:
        return ""
    if DATABASE.search(name.replace("_", "-")):
        return "database"
    return "cache" if CACHE.search(name) else ""


def _call(workload: Workload, name: str, host: str, namespace: str, service: str) -> None:
    export = workload.export
    targets = export.behind(namespace, service)
    callee = export.name_of(targets[0]) if targets else service
    if callee == workload.name:
        return
    workload.calls.add(callee)
    workload.judgement.changed(
        f"{name} calls {callee} at {host}; here it calls https://{callee}, and {callee} names it among its `callers`"
    )


def _ask_outside(workload: Workload, name: str, host: str, port: int) -> None:
    workload.judgement.ask(
        (
            f"{name} leads to {host}{f':{port}' if port else ''}, and a pod here has no way to the internet or the "
            "data centre unless it is named: may it go there?"
        ),
        ("yes, as `outside` of the settings with its fixed addresses and a reason", "no, it is not needed any more"),
        "it has no way there",
    )


def _judge_java(workload: Workload, text: str) -> None:
    judgement = workload.judgement
    if NAMES_FOR_EVER.search(text):
        judgement.ask(
            (
                "its Java keeps names for ever (networkaddress.cache.ttl=-1) and would not see the database move: "
                "what is allowed?"
            ),
            ("30 seconds", "connections that are made anew after an error look the name up"),
            "the value stays as it is",
        )
    for found in HEAP.finditer(text):
        heap = int(found[1]) * {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}[found[2].lower()]
        limit = quantity(workload.main.text("resources", "limits", "memory"))
        if limit is not None and heap > limit * 0.8:
            judgement.changed(f"its Java heap ({found[0]}) leaves less than a fifth of the memory for the rest")
        else:
            judgement.changed(f"its Java heap ({found[0]}) must fit the memory of the settings")
