"""Bad inputs of every kind, as a table: where each is given, what it is, the exit code, and words of the sentence.

``python -m tests.bad_inputs`` prints it with its count.
"""

from __future__ import annotations

import json
from typing import NamedTuple

IMAGE = f"111122223333.dkr.ecr.eu-central-1.amazonaws.com/softpos@sha256:{'a' * 64}"
ARABIC_ACCOUNT = '"\u0661\u0661\u0661\u0661\u0662\u0662\u0662\u0662\u0663\u0663\u0663\u0663"'
ARABIC_MOMENT = '"\u0662\u0660\u0662\u0666-12-01T10:00:00Z"'
DEEP = 3_000
LONG = 5_000


class BadInput(NamedTuple):
    """One input that must be refused."""

    place: str
    """``setting`` (key, YAML text) of the stack's file, ``stack file`` (whole text), ``--config`` (KEY=VALUE),
    ``arguments`` (a command line), ``file`` (command line with {file}, its content), ``program`` (text of
    `__main__.py`) or ``pack`` (text of the policy pack's `__main__.py`; None: no pack)."""
    given: tuple[str | None, ...]
    says: str
    """Words of the sentence."""
    code: int = 2


def _settings(says: str, *rows: tuple[str, str]) -> list[BadInput]:
    return [BadInput("setting", row, says) for row in rows]


def _each(place: str, says: str, *given: str, code: int = 2) -> list[BadInput]:
    return [BadInput(place, (one,), says, code) for one in given]


READERS_DIFFER = _settings(
    "without quotes means one thing",
    ("costCentre", "2026-01-01"),
    ("costCentre", "2026-01-01 10:00:00"),
    ("costCentre", "0777"),
    ("costCentre", "0x1F"),
    ("costCentre", "0b101"),
    ("costCentre", "0o17"),
    ("costCentre", "1_000"),
    ("costCentre", "1:30:00"),
    ("costCentre", "1e3"),
    ("costCentre", ".5"),
    ("costCentre", ".inf"),
    ("costCentre", ".NaN"),
    ("costCentre", "+5"),
    ("costCentre", "="),
    ("costCentre", "no"),
    ("costCentre", "Off"),
    ("databaseDeletionProtection", "yes"),
    ("databaseDeletionProtection", "on"),
    ("migrationMultiAz", "N"),
    ("accountId", "011122223333"),
    ("accountId", "9" * LONG),
    ("temporaryUntil", "2026-12-01T10:00:00Z"),
)
NOT_PLAIN = [
    *_settings("the tag !!set", ("costCentre", "!!set {a}")),
    *_settings("the tag !!binary", ("costCentre", "!!binary aGVsbG8=")),
    *_settings("the tag !!omap", ("costCentre", "!!omap [a: 1]")),
    *_settings("the tag !!timestamp", ("costCentre", "!!timestamp 2026-01-01")),
    *_settings("the tag !!python/object/apply", ("costCentre", "!!python/object/apply:os.getcwd []")),
    *_settings("the tag !mine", ("costCentre", "!mine x")),
    *_settings("the alias *other", ("costCentre", "*other")),
    *_settings("the alias *a", ("auditAlarmEmails", "[&a me@softpos.dev, *a]")),
    *_settings(
        "nested too deeply", ("costCentre", "[" * DEEP + "]" * DEEP), ("costCentre", "{a: " * DEEP + "}" * DEEP)
    ),
    *_settings("nested too deeply", ("auditAlarmEmails", "[" * 100_000)),
    *_settings(
        "correct the YAML", ("costCentre", "[a"), ("costCentre", "'a"), ("costCentre", "a: b"), ("costCentre", "@a")
    ),
    *_settings("correct the YAML", ("costCentre", '"\\q"'), ("costCentre", "%a"), ("costCentre", "`a`")),
]
NOTHING = _settings(
    "nothing is given",
    ("costCentre", ""),
    ("costCentre", "~"),
    ("costCentre", "null"),
    ("owner", "NULL"),
    ("accountId", ""),
    ("edgeZoneId", ""),
    ("auditAlarmEmails", "[~]"),
    ("clusterNodesMin", ""),
)
WRONG_TYPE = [
    *_settings("a mapping in", ("costCentre", "{a: b}"), ("owner", "{}"), ("serviceImage", "{digest: x}")),
    *_settings("a mapping in", ("clusterNodesMin", "{value: 3}"), ("auditAlarmEmails", "{a: me@softpos.dev}")),
    *_settings(
        "a list in", ("costCentre", "[a]"), ("owner", "[]"), ("clusterNodesMin", "[3]"), ("vpnEnabled", "[true]")
    ),
    *_settings(
        "true in", ("costCentre", "true"), ("owner", "True"), ("clusterNodesMin", "true"), ("auditAlarmEmails", "true")
    ),
    *_settings(
        "allowed: true or false", ("vpnEnabled", "1"), ("vpnEnabled", '"yes"'), ("databaseDeletionProtection", "0")
    ),
    *_settings("allowed: a whole number", ("clusterNodesMin", "3.5"), ("clusterNodesMin", "3.0")),
    *_settings(
        "a whole number", ("clusterNodesMin", '"3 nodes"'), ("clusterNodesMin", '""'), ("clusterNodesMin", '"1e1"')
    ),
    *_settings(
        "a list of", ("auditAlarmEmails", "me@softpos.dev"), ("auditAlarmEmails", "[]"), ("auditAlarmEmails", "[[]]")
    ),
    *_settings(
        "a list of", ("migrationSchemas", "[true]"), ("migrationSchemas", "[1.5]"), ("migrationSchemas", "[{a: b}]")
    ),
    *_settings("is encrypted", ("costCentre", "{secure: AAAB}"), ("auditAlarmEmails", "[{secure: AAAB}]")),
    *_settings("is encrypted", ("owner", "{secure: AAAB, more: x}")),
]
CHARACTERS = [
    *_settings(
        "which is what AWS takes as a tag",
        ("costCentre", '"a\\tb"'),
        ("costCentre", '"a\\nb"'),
        ("costCentre", '"\\0"'),
    ),
    *_settings(
        "which is what AWS takes as a tag", ("costCentre", '"\\e[31mred"'), ("owner", '"a\\u202eb"'), ("owner", '""')
    ),
    *_settings(
        "which is what AWS takes as a tag", ("costCentre", '" a"'), ("costCentre", '"a "'), ("costCentre", "a" * 129)
    ),
    *_settings(
        "which is what AWS takes as a tag", ("owner", "a;b"), ("owner", "<b>"), ("owner", '"{}"'), ("owner", "'\"'")
    ),
    *_settings(
        "the 12 digits",
        ("accountId", ARABIC_ACCOUNT),
        ("accountId", "12345"),
        ("accountId", '"1111 2222 3333"'),
    ),
    *_settings(
        "the 12 digits",
        ("accountId", '"111122223333\\n"'),
        ("accountId", "-11112222333"),
        ("accountId", "123456789.12"),
    ),
    *_settings(
        "a whole number",
        ("clusterNodesMin", '"\u0663"'),
        ("agentPolicyId", '"\uff11\uff12"'),
        ("clusterNodesMin", '"\u00b3"'),
    ),
    *_settings(
        "a moment in UTC",
        ("temporaryUntil", ARABIC_MOMENT),
        ("temporaryUntil", '"2026-13-01T10:00:00Z"'),
    ),
    *_settings(
        "an e-mail address", ("auditAlarmEmails", '["a b@softpos.dev"]'), ("auditAlarmEmails", '["me@softpos"]')
    ),
    *_settings(
        "an e-mail address", ("auditAlarmEmails", '["me\\0@softpos.dev"]'), ("auditAlarmEmails", "['a@b.dev,c@d.dev']")
    ),
    *_settings("an OpenSSH public key", ("bastionPublicKey", "ssh-ed25519 AAAA"), ("bastionPublicKey", "ssh-dss AAAA")),
    *_settings("an OpenSSH public key", ("bastionPublicKey", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 cut off")),
    *_settings("an OpenSSH public key", ("bastionPublicKey", '"ssh-ed25519 AAAA\\nssh-rsa AAAA"')),
    *_settings("this is a private key", ("bastionPublicKey", "-----BEGIN OPENSSH PRIVATE KEY-----")),
    *_settings("PEM text", ("migrationSourceCa", '"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"')),
    *_settings("this holds a private key", ("migrationSourceCa", "-----BEGIN PRIVATE KEY-----")),
]
NETWORKS = [
    *_settings(
        "a lower-case DNS name",
        ("edgeHostName", f"{'a' * 60}.dev.example.com"),
        ("edgeHostName", "PAY.dev.example.com"),
    ),
    *_settings(
        "a lower-case DNS name", ("edgeHostName", "pay.dev.example.com."), ("edgeHostName", "pay_1.dev.example.com")
    ),
    *_settings(
        "a lower-case DNS name", ("edgeHostName", "b\u00fccher.dev.example.com"), ("edgeHostName", "-a.dev.example.com")
    ),
    *_settings("a name within the zone", ("edgeHostName", "pay.example.org"), ("edgeHostName", "dev.example.com")),
    *_settings("ACM's limit", ("edgeHostName", f"{'b' * 52}.dev.example.com")),
    *_settings(
        "a private IPv4 range",
        ("networkVpcCidr", "8.8.0.0/16"),
        ("networkVpcCidr", "::/0"),
        ("networkVpcCidr", "10.0.0.0/8"),
    ),
    *_settings(
        "without host bits", ("networkVpcCidr", "10.20.0.1/16"), ("networkVpcCidr", "10.20/16"), ("networkVpcCidr", "x")
    ),
    *_settings("without host bits", ("networkVpcCidr", "10.20.0.0/33"), ("networkVpcCidr", '"\u0661\u0660.20.0.0/16"')),
    *_settings("no wider than", ("bastionTrustedCidrs", "[0.0.0.0/0]"), ("bastionTrustedCidrs", "['::/0']")),
    *_settings(
        "a public IPv4 range", ("bastionTrustedCidrs", "[10.0.0.0/28]"), ("bastionTrustedCidrs", "[127.0.0.0/28]")
    ),
    *_settings("without repetitions", ("bastionTrustedCidrs", "[203.0.113.0/28, 203.0.113.0/28]")),
    *_settings("apart from", ("vpnOnPremisesCidrs", "[10.20.4.0/24]"), ("networkVpcCidr", "10.80.0.0/16")),
    *_settings("a public IPv4 address", ("vpnCustomerGatewayIp", "10.0.0.1"), ("vpnCustomerGatewayIp", "256.1.1.1")),
    *_settings("zones of eu-central-1", ("networkAvailabilityZones", "[us-east-1a, us-east-1b, us-east-1c]")),
    *_settings("exactly 3 items", ("networkAvailabilityZones", "[eu-central-1a]")),
]
REFERENCES = [
    *_settings("a registry of account", ("serviceImage", IMAGE.replace("111122223333", "999999999999"))),
    *_settings("a registry in eu-central-1", ("serviceImage", IMAGE.replace("eu-central-1", "us-east-1"))),
    *_settings(
        "an ECR image by digest", ("serviceImage", "softpos:latest"), ("serviceImage", IMAGE.replace("sha256", "md5"))
    ),
    *_settings("an ECR image by digest", ("serviceImage", IMAGE[:-1]), ("serviceImage", IMAGE + "\u0661")),
    *_settings("a registry of account 999999999999", ("imageAccountId", '"999999999999"')),
    *_settings("the 12 digits", ("imageAccountId", "mine")),
    *_settings("the ARN of an IAM role", ("clusterAdminRoleArns", "['arn:aws:iam::12:role/x']")),
    *_settings("the ARN of an IAM role", ("clusterAdminRoleArns", "['arn:aws:iam::111122223333:user/x']")),
    *_settings(
        "that no pull request takes",
        ("clusterAdminRoleArns", "['arn:aws:iam::111122223333:role/softpos-bootstrap/softpos-preview']"),
        (
            "clusterAdminRoleArns",
            "['arn:aws:iam::111122223333:role/a', 'arn:aws:iam::111122223333:role/softpos-preview']",
        ),
    ),
    *_settings("did you mean eu-central-1", ("aws:region", "eu-centrl-1"), ("aws:region", "eu-central1")),
    *_settings("did you mean us-east-1", ("aws:region", "us-easst-1"), ("aws:region", "us_east_1")),
    *_settings("a public AWS Region", ("aws:region", "mars"), ("aws:region", '""'), ("aws:region", "eu-central-1a-b")),
    *_settings("a Region whose RDS authority", ("aws:region", "il-central-1")),
]
UNREAD = [
    *_settings(
        "every provider is made from these alone",
        ("aws:profile", "mine"),
        ("aws:accessKey", "x"),
        ("aws:allowedAccountIds", "[x]"),
    ),
    *_settings(
        "every provider is made from these alone",
        ("aws:assumeRole", "{roleArn: x}"),
        ("aws:skipCredentialsValidation", "true"),
    ),
    *_settings(
        "every provider is made from these alone",
        ("kubernetes:kubeconfig", "x"),
        ("shop:owner", "x"),
        ("aws:Region", "x"),
    ),
    *_settings("nearest: softpos:clusterNodesMax", ("softpos:clusterNodeMax", "4")),
    *_settings("the keys of Pulumi.yaml", ("softpos:colour", "red"), ("softpos:config:owner", "me"), ("softpos:", "x")),
]
TOGETHER = [
    *_settings("at most softpos:clusterNodesDesired", ("clusterNodesMin", "9")),
    *_settings("at most softpos:serviceReplicasMax", ("serviceReplicasMin", "100")),
    *_settings("true while softpos:migrationPhase", ("vpnEnabled", "false")),
    *_settings("softpos:migrationPhase, which replaces it", ("migrationEnabled", "true")),
    *_settings("1 to 4 addresses while softpos:migrationPhase", ("migrationSourceAddresses", "[]")),
    *_settings("none or beside or shifting or after", ("migrationPhase", "cutover")),
    *_settings("for this engine", ("databaseEngineVersion", "8.4.8"), ("databaseInstanceClass", "db.m6gd.large")),
    *_settings("from 7 to 35", ("databaseBackupRetentionDays", "1"), ("databaseBackupRetentionDays", "-7")),
    *_settings("8.4.mysql_aurora", ("databaseEngineVersion", "5.7")),
    *_settings("1.35 or 1.36", ("clusterVersion", "1.30"), ("clusterVersion", "1.37")),
    *_settings("production or development", ("environment", "prod"), ("environment", "Production")),
]

WHOLE_FILES = [
    *_each(
        "stack file", "is given again", "config:\n  softpos:owner: a\n  softpos:owner: b\n", "config: {}\nconfig: {}\n"
    ),
    *_each("stack file", "is given again", 'config:\n  softpos:owner: a\n  "softpos:owner": b\n'),
    *_each("stack file", "is given again", "config:\n  softpos:owner: {a: 1, a: 2}\n"),
    *_each("stack file", "Pulumi ESC", "environment: [shared]\nconfig: {}\n", "environment:\n  values: {a: b}\n"),
    *_each("stack file", "did you mean config?", "confg:\n  softpos:owner: a\n", "Config: {}\n"),
    *_each("stack file", "allowed: config", "softpos:owner: me\n", "backend: {url: file://x}\n"),
    *_each(
        "stack file",
        "is no text",
        "config:\n  5: a\n",
        "config:\n  true: a\n",
        "config:\n  [a]: b\n",
        "config:\n  ~: b\n",
    ),
    *_each("stack file", "has no namespace", "config:\n  owner: me\n", 'config:\n  "": me\n'),
    *_each("stack file", "is not a mapping", "config: [a]\n", "config: text\n", "config: 5\n"),
    *_each("stack file", "holds no mapping", "text\n", "[a, b]\n", "5\n"),
    *_each("stack file", "a second document", "config: {}\n---\nconfig: {}\n"),
    *_each("stack file", "nested too deeply", "[" * DEEP + "]" * DEEP, "- " * DEEP),
    *_each("stack file", "the tag", "!!set {a}\n", "!!python/name:os.system\n"),
    *_each("stack file", "<<", "config:\n  <<: {softpos:owner: me}\n"),
    *_each(
        "stack file",
        "correct the YAML",
        "config: {a: }}\n",
        "\tconfig: {}\n",
        "config:\n  a: b\n c: d\n",
        "\0",
        "%YAML 9.9\n---\n{}\n",
    ),
    *_each("stack file", "not UTF-8", "config: \udcff\n"),
    *_each("stack file", "characters; allowed", "#" * 1_000_001),
]
OVERRIDES = [
    *_each("--config", "allowed: KEY=VALUE", "novalue", "=x", "="),
    *_each(
        "--config",
        "the keys of Pulumi.yaml",
        "colour=red",
        "softpos:colour=red",
        f"{'x' * LONG}=1",
        "a\nb=1",
        "\x1b[31m=1",
    ),
    *_each("--config", "every provider is made from these alone", "aws:profile=mine", "kubernetes:context=x"),
    *_each(
        "--config",
        "which is what AWS takes as a tag",
        "costCentre=",
        "costCentre=a\x07b",
        "owner=\udcff",
        f"owner={'x' * LONG}",
    ),
    *_each(
        "--config",
        "a whole number",
        "clusterNodesMin=",
        f"clusterNodesMin={'9' * LONG}",
        "clusterNodesMin=1 ",
        "clusterNodesMin=\u0663",
    ),
    *_each("--config", "true or false", "vpnEnabled=True", "vpnEnabled=1", "migrationMultiAz=yes"),
    *_each(
        "--config",
        "a list of",
        "auditAlarmEmails=a@b.dev",
        f"auditAlarmEmails={'[' * LONG}",
        f"auditAlarmEmails=[{'9' * LONG}]",
    ),
    *_each(
        "--config", "a list of", "auditAlarmEmails=[null]", "auditAlarmEmails=[true]", 'auditAlarmEmails={"a": "b"}'
    ),
    *_each("--config", "did you mean eu-west-1", "aws:region=eu-wst-1"),
]
ARGUMENTS = [
    *_each(
        "arguments",
        "no stack",
        "rehearse --stack nobody",
        "rehearse --stack ../dev",
        f"rehearse --stack {'x' * LONG}",
        "rehearse --stack /",
    ),
    *_each("arguments", "no stack", "rehearse --stack *", "rehearse --stack dev.yaml", "rehearse --stack ''"),
    *_each("arguments", "did you mean dev?", "rehearse --stack devv", "rehearse --stack de"),
    *_each(
        "arguments",
        "--help",
        "rehearse",
        "rehearse --stack",
        "rehearse --stack dev extra",
        "rehearse --stack dev --jsn x",
        "rehears",
    ),
    *_each(
        "arguments",
        "--help",
        "smoke",
        "evidence verify",
        "cutover cutover --stack dev --max-downtime 5",
        "bench --runs 0",
        "pipeline comment",
    ),
    *_each(
        "arguments",
        "cannot be written",
        "rehearse --stack dev --json /nowhere/x.json",
        "rehearse --stack dev --html .",
        "rehearse --stack dev --json ''",
    ),
    *_each(
        "arguments",
        "cannot be written",
        f"rehearse --stack dev --json {'x' * 300}",
        "rehearse --stack dev --json Pulumi.yaml/x",
    ),
    *_each(
        "arguments",
        "the file of --json",
        "rehearse --stack dev --json plan --html ./plan",
        "rehearse --stack dev --json - --html -",
    ),
    *_each(
        "arguments",
        "is given twice",
        "rehearse --stack dev --stack prod",
        "rehearse --stack dev --stack dev",
        "rehearse --stack nobody --stack=dev",
        "rehearse --stack dev --json a --json b",
        "rehearse --stack dev --html a --html b",
        "rehearse --stack dev --html a --against b --against c",
        "smoke --stack dev --stack prod",
        "evidence --stack dev --out a --out b",
        "cutover status --stack dev --stack prod",
        "bench --runs 1 --runs 2",
        "account --stack dev --stack prod",
        "env up mine --owner a --owner b",
        "pipeline drift --print --preview a --preview b",
    ),
    *_each("arguments", "is given twice", "rehearse --stack dev --config owner=a --config softpos:owner=b"),
    *_each("arguments", "together with --html", "rehearse --stack dev --against old.json"),
    *_each(
        "arguments",
        "is not a rehearsal",
        "rehearse --stack dev --html plan.html --against missing.json",
        "rehearse --stack dev --html x --against .",
    ),
    *_each("arguments", "is given", "evidence --stack dev", "evidence --out new"),
    *_each("arguments", "is not an exported state", "evidence --state missing.json --out new"),
]
RESOURCE = {
    "urn": "urn:pulumi:dev::softpos::t::n",
    "type": "t",
    "name": "n",
    "parent": "",
    "dependencies": [],
    "inputs": {},
}


def _document(**changed: object) -> str:
    return json.dumps({"stack": "dev", "resources": [{**RESOURCE, "protect": False}], "violations": [], **changed})


def _files(command: str, says: str, *contents: str) -> list[BadInput]:
    return [BadInput("file", (command, content), says) for content in contents]


BAD_ADDRESSES = ("http://a/x", "https:///x", "https://[::1/x", "https://a:99999/x", "x", "https://a:b/")
ENDPOINTS = ("databaseWriterEndpoint", "databaseReaderEndpoint", "cachePrimaryEndpoint", "cacheReaderEndpoint")


def _health(address: str) -> str:
    return json.dumps({**dict.fromkeys(ENDPOINTS, "a.example.com"), "healthUrl": address})


FILES = [
    *_files(
        "rehearse --stack dev --html plan.html --against {file}",
        "is not a rehearsal",
        "",
        "[]",
        "{",
        "[" * 100_000,
        "9" * LONG,
        "\udcff",
        _document(violations=None),
        _document(violations=[{"policy": "x"}]),
        _document(violations=[None]),
        _document(resources=[{**RESOURCE, "inputs": [], "protect": False}]),
        _document(resources=[RESOURCE]),
        _document(resources={}),
        _document(stack=None),
    ),
    *_files(
        "evidence --state {file} --out new",
        "is not an exported state",
        "",
        "[]",
        "null",
        "[" * 100_000,
        '{"deployment": null}',
        '{"deployment": {"resources": []}}',
        '{"deployment": {"resources": [{"urn": "x"}]}}',
        '{"deployment": {"resources": [{"urn": "x", "type": "t", "inputs": []}]}}',
    ),
    *_files("evidence findings {file} --stack dev", "cannot be read", "\udcff"),
    *_files("evidence findings {file} --stack dev", "lacks", "", "id,text\n1,x\n"),
    *_files("smoke --stack dev --outputs {file}", "no outputs of dev", "", "[]", "[" * 100_000, "5"),
    *_files("smoke --stack dev --outputs {file}", "no such output", '{"healthUrl": 5}'),
    *_files("smoke --stack dev --outputs {file}", "allowed: https://HOST/PATH", *map(_health, BAD_ADDRESSES)),
    *_files("cutover status --stack dev --outputs {file}", "are not JSON", "", "{", "[" * 100_000),
    *_files("cutover status --stack dev --outputs {file}", "no JSON object", "[]", "5"),
    *_files("cutover status --stack dev --outputs {file}", "has no output 'migration'", "{}", '{"migration": 5}'),
    *_files(
        "pipeline comment --pull-request 1 --print --preview {file}",
        "is not what `preview --save` writes",
        "",
        "[]",
        "[" * 100_000,
    ),
    *_files("pipeline drift --print --preview {file}", "is not what `preview --save` writes", "{}", "null"),
]
PROGRAMS = [
    *_each(
        "program",
        "sys.exit",
        "import sys; sys.exit(0)",
        "raise SystemExit",
        "import sys; sys.exit('gone')",
        "exit(0)",
        code=3,
    ),
    *_each("program", "sys.exit(0)", "import os; os._exit(0)", code=3),
    *_each("program", "registered no resource", "", "pass", "import pulumi; pulumi.export('a', 1)", code=3),
    *_each(
        "program",
        "the program failed",
        "1 / 0",
        "raise ValueError('a\\nb')",
        "def f(): f()\nf()",
        "syntax error",
        "raise GeneratorExit",
        code=3,
    ),
    *_each(
        "program",
        "the program failed",
        "import asyncio; raise asyncio.CancelledError",
        "raise BaseException",
        "import nowhere",
        code=3,
    ),
    *_each(
        "program",
        "the program failed",
        "import pulumi; raise pulumi.RunError('no way')",
        f"raise ValueError('x' * {LONG})",
        code=3,
    ),
    *_each("program", "Stopped by you", "raise KeyboardInterrupt", code=3),
]
PACKS = [
    BadInput("pack", (None,), "it cannot be started", 3),
    *_each(
        "pack",
        "nothing counts as judged",
        "import sys; sys.exit(0)",
        "raise RuntimeError('broken')",
        "print('hello')",
        "1 +",
        code=3,
    ),
]

TABLE: tuple[BadInput, ...] = (
    *READERS_DIFFER,
    *NOT_PLAIN,
    *NOTHING,
    *WRONG_TYPE,
    *CHARACTERS,
    *NETWORKS,
    *REFERENCES,
    *UNREAD,
    *TOGETHER,
    *WHOLE_FILES,
    *OVERRIDES,
    *ARGUMENTS,
    *FILES,
    *PROGRAMS,
    *PACKS,
)
