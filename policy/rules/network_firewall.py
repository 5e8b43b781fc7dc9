"""Network Firewall: what passes through it."""

from __future__ import annotations

from ..network import covers_the_world, networks
from ..reading import Findings
from ..rule import HIGH, Resource, rule


@rule(
    "networkfirewall-denies-by-default",
    "Network firewalls let nothing pass that no rule names",
    on=("aws.networkfirewall.FirewallPolicy", "aws.networkfirewall.RuleGroup"),
    requirements="1.3.1 1.3.2 1.4.2",
    severity=HIGH,
    remedy="forward to the stateful rules, or drop, by default, and name source, destination and port in each pass",
)
def networkfirewall_denies(firewall: Resource) -> Findings:
    if firewall.kind == "aws.networkfirewall.FirewallPolicy":
        policy = firewall["firewallPolicy"]
        return [
            finding
            for name in ("statelessDefaultActions", "statelessFragmentDefaultActions")
            for action in policy[name]
            for finding in action.must_not_be("aws:pass", wanted="aws:forward_to_sfe or aws:drop")
        ]
    source = firewall["ruleGroup"]["rulesSource"]
    findings = [
        finding
        for text in (firewall["rules"], source["rulesString"])
        if text.known
        for finding in text.must(_passes_nothing_wholesale, "no pass from any to any")
    ]
    for entry in source["statelessRulesAndCustomActions"]["statelessRules"]:
        definition = entry["ruleDefinition"]
        sides = [
            networks([address["addressDefinition"] for address in definition["matchAttributes"][name]])
            for name in ("sources", "destinations")
        ]
        if any(action.value == "aws:pass" for action in definition["actions"]) and all(
            not end or covers_the_world(end) for end in sides
        ):
            findings += entry.breach("named ends", "pass from any to any")
    for entry in source["statefulRules"]:
        header = entry["header"]
        ends = {header[name].value for name in ("source", "destination", "destinationPort")}
        if entry["action"].value == "PASS" and ends <= {"ANY", "any"}:
            findings += entry.breach("named ends", "PASS from any to any")
    return findings


def _passes_nothing_wholesale(rules: object) -> bool:
    lines = (" ".join(line.lower().split()) for line in str(rules).splitlines())
    return not any(line.startswith("pass ") and " any any -> any any" in line for line in lines)
