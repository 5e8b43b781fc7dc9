"""Application services that have no room of their own: containers, functions' neighbours, interfaces and pipelines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from ..network import covers_the_world, networks
from ..reading import Findings, Property, sentinels_to_unknown
from ..rule import CRITICAL, HIGH, MEDIUM, Resource, rule
from ..settings import Table, at_least, be, each, given, judged, not_be, satisfy

_TASK: Final = "aws.ecs.TaskDefinition"


def _containers(task: Resource) -> Iterator[Property]:
    """The containers of an ECS task, which are given as JSON text."""
    text = task["containerDefinitions"]
    if not isinstance(text.value, str):
        yield from text
        return
    try:
        content: Any = sentinels_to_unknown(json.loads(text.value))
    except ValueError:
        return
    yield from Property(text.path, content)


@rule(
    "ecs-no-privileges",
    "ECS containers have no privileges on their host",
    on=_TASK,
    requirements="2.2.6 7.2.1 7.2.2",
    severity=CRITICAL,
    remedy="remove privileged, host modes and host paths, and run as a user other than root",
)
def ecs_no_privileges(task: Resource) -> Findings:
    findings = [
        *task["networkMode"].must_not_be("host", wanted="awsvpc", default="awsvpc"),
        *task["pidMode"].must_not_be("host", wanted="task", default="task"),
        *task["ipcMode"].must_not_be("host", wanted="none or task", default="task"),
    ]
    for volume in task["volumes"]:
        findings += volume["hostPath"].must_not_be_given("no path of the host")
    for container in _containers(task):
        findings += container["privileged"].must_be(False, default=False)
        findings += container["user"].must(
            lambda name: str(name).partition(":")[0] not in ("0", "root"), "a user other than root", default="1000"
        )
        findings += [
            finding
            for name in container["linuxParameters"]["capabilities"]["add"]
            for finding in name.must_not_be("ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", wanted="no such capability")
        ]
    return findings


@rule(
    "ecs-read-only-root",
    "ECS containers cannot change their own files",
    on=_TASK,
    requirements="11.5.2 2.2.6",
    severity=MEDIUM,
    remedy="set readonlyRootFilesystem to true and mount volumes where files are written",
)
def ecs_read_only_root(task: Resource) -> Findings:
    return [f for container in _containers(task) for f in container["readonlyRootFilesystem"].must_be(True)]


@rule(
    "ecs-logged",
    "ECS containers send their logs somewhere",
    on=_TASK,
    requirements="10.2.1 10.3.3",
    severity=MEDIUM,
    remedy="set logConfiguration with a log driver such as awslogs",
)
def ecs_logged(task: Resource) -> Findings:
    return [f for container in _containers(task) for f in container["logConfiguration"].must_be_given("a log driver")]


_NO_PUBLIC_ADDRESS: Final[Table] = {
    "aws.ecs.Service": (be("networkConfiguration.assignPublicIp", False, default=False),),
    "aws.ecs.TaskSet": (be("networkConfiguration.assignPublicIp", False, default=False),),
    "aws.codebuild.Project": (not_be("projectVisibility", "PUBLIC_READ", wanted="PRIVATE", default="PRIVATE"),),
    "aws.lambda.LayerVersionPermission": (
        lambda permission: (
            permission["principal"].must_not_be("*", wanted="a named account")
            if permission["organizationId"].absent
            else []
        ),
    ),
    "aws.cloudwatch.EventPermission": (
        lambda permission: (
            permission["principal"].must_not_be("*", wanted="a named account") if permission["condition"].absent else []
        ),
    ),
    "aws.transfer.Server": (be("endpointType", "VPC", "VPC_ENDPOINT"),),
}


@rule(
    "service-not-public",
    "Services and what they share are not open to everyone",
    on=tuple(_NO_PUBLIC_ADDRESS),
    requirements="1.3.1 1.4.4 7.2.1 7.2.2",
    controls="ECS.2 ECS.16",
    severity=CRITICAL,
    remedy="keep it in private subnets, and name the accounts that may use it",
)
def service_not_public(service: Resource) -> Findings:
    return judged(_NO_PUBLIC_ADDRESS, service)


def _other_than_key(authentication: Property) -> Findings:
    return authentication.must_not_be("API_KEY", wanted="IAM, OpenID Connect or a user pool")


def _route(route: Resource) -> Findings:
    key = str(route["routeKey"].value)
    if key.upper().startswith("OPTIONS ") or (key.startswith("$") and key not in ("$connect", "$default")):
        return []  # CORS asks without credentials; a WebSocket is authorised when it connects
    return route["authorizationType"].must_be("AWS_IAM", "CUSTOM", "JWT", default="NONE")


_AUTHENTICATED: Final[Table] = {
    "aws.apigateway.Method": (
        lambda method: (
            []
            if method["httpMethod"].value == "OPTIONS"
            else method["authorization"].must_be("AWS_IAM", "CUSTOM", "COGNITO_USER_POOLS")
        ),
    ),
    "aws.apigatewayv2.Route": (_route,),
    "aws.appsync.Api": (each("eventConfig.authProviders", lambda provider: _other_than_key(provider["authType"])),),
    "aws.appsync.GraphQLApi": (
        lambda api: _other_than_key(api["authenticationType"]),
        each("additionalAuthenticationProviders", lambda provider: _other_than_key(provider["authenticationType"])),
    ),
    "aws.vpclattice.Service": (be("authType", "AWS_IAM"),),
    "aws.vpclattice.ServiceNetwork": (be("authType", "AWS_IAM"),),
}


@rule(
    "service-authenticates",
    "Interfaces ask their callers who they are",
    on=tuple(_AUTHENTICATED),
    requirements="7.2.1 7.3.1 8.2.1 8.3.1",
    severity=HIGH,
    remedy="authorise by IAM, a user pool or an authoriser; an API key names nobody",
)
def service_authenticates(service: Resource) -> Findings:
    return judged(_AUTHENTICATED, service)


_PASSWORDS: Final = "passwordPolicy"


@rule(
    "cognito-strong-sign-in",
    "User pools ask for twelve characters and a second factor",
    on="aws.cognito.UserPool",
    requirements="8.3.6 8.4.2 8.5.1",
    severity=HIGH,
    remedy="set passwordPolicy with minimumLength 12 and mixed characters, and mfaConfiguration to ON",
)
def cognito_strong_sign_in(pool: Resource) -> Findings:
    passwords = pool[_PASSWORDS]
    # Defaults of Cognito: 8 characters, all kinds, no second factor.
    findings = passwords["minimumLength"].must_be_at_least(12, "characters", default=8)
    if not passwords.absent:
        for name in ("requireLowercase", "requireNumbers", "requireUppercase"):
            findings += passwords[name].must_be(True, default=True)
    return findings + pool["mfaConfiguration"].must_be("ON", "OPTIONAL", default="OFF")


@rule(
    "cognito-client-flows",
    "User pool clients send no password and no token in clear or in an address",
    on="aws.cognito.UserPoolClient",
    requirements="8.3.2 4.2.1 6.2.4",
    severity=MEDIUM,
    remedy="use the code flow and SRP, and addresses with https",
)
def cognito_client_flows(client: Resource) -> Findings:
    findings = [f for flow in client["allowedOauthFlows"] for f in flow.must_not_be("implicit", wanted="code")]
    findings += [
        finding
        for flow in client["explicitAuthFlows"]
        for finding in flow.must_not_be("USER_PASSWORD_AUTH", "ALLOW_USER_PASSWORD_AUTH", wanted="ALLOW_USER_SRP_AUTH")
    ]
    return findings + [
        finding
        for name in ("callbackUrls", "logoutUrls")
        for url in client[name]
        for finding in url.must(
            lambda text: not str(text).startswith("http://") or str(text).startswith("http://localhost"), "https"
        )
    ]


# Policies with SHA-1, CBC or older key exchanges; AWS Transfer Family's own list of security policies.
_OLD_TRANSFER: Final = (
    "TransferSecurityPolicy-2018",
    "TransferSecurityPolicy-2020",
    "TransferSecurityPolicy-FIPS-2020",
)
_PLAIN_SCHEMES: Final = ("http://",)


def _no_plain_address(path: str) -> Any:
    return satisfy(
        path, lambda url: not str(url).lower().startswith(_PLAIN_SCHEMES), "an address with https", default=""
    )


_TLS: Final[Table] = {
    _TASK: (
        each(
            "volumes",
            lambda volume: (
                []
                if volume["efsVolumeConfiguration"].absent
                else volume["efsVolumeConfiguration"]["transitEncryption"].must_be("ENABLED")
            ),
        ),
    ),
    "aws.apigateway.Integration": (
        lambda integration: (
            [] if integration["connectionType"].value == "VPC_LINK" else _no_plain_address("uri")(integration)
        ),
    ),
    "aws.apigatewayv2.Integration": (
        lambda integration: (
            []
            if integration["connectionType"].value == "VPC_LINK"
            else _no_plain_address("integrationUri")(integration)
        ),
    ),
    "aws.elb.SslNegotiationPolicy": (each("attributes", lambda one: _no_old_protocol(one["name"], one["value"])),),
    "aws.elb.LoadBalancerPolicy": (each("policyAttributes", lambda one: _no_old_protocol(one["name"], one["value"])),),
    "aws.transfer.Server": (
        satisfy(
            "securityPolicyName",
            lambda name: not str(name).startswith(_OLD_TRANSFER),
            "a policy of 2022 or newer",
            default="TransferSecurityPolicy-2018-11",  # AWS default
        ),
        each("protocols", lambda name: name.must_not_be("FTP", wanted="SFTP, FTPS or AS2")),
    ),
    "aws.vpclattice.Listener": (not_be("protocol", "HTTP", wanted="HTTPS"),),
}


def _no_old_protocol(name: Property, value: Property) -> Findings:
    if name.value == "Reference-Security-Policy":
        return value.must(lambda text: "TLS-1-2" in str(text), "a policy of TLS 1.2")
    old = name.value in ("Protocol-TLSv1", "Protocol-TLSv1.1", "Protocol-SSLv3", "Protocol-SSLv2")
    return value.must_be(False) if old else []


@rule(
    "service-tls-only",
    "Other services speak TLS 1.2 and newer only",
    on=tuple(_TLS),
    requirements="4.2.1 2.2.7",
    controls="ELB.8 Transfer.2",
    severity=HIGH,
    remedy="use TLS, with a current security policy",
)
def service_tls_only(service: Resource) -> Findings:
    return judged(_TLS, service)


_LOGGED: Final[Table] = {
    "aws.appsync.GraphQLApi": (given("logConfig.fieldLogLevel", "a log level"),),
    "aws.codebuild.Project": (
        not_be("logsConfig.cloudwatchLogs.status", "DISABLED", wanted="ENABLED", default="ENABLED"),
        be("logsConfig.s3Logs.encryptionDisabled", False, default=False),
        be("artifacts.encryptionDisabled", False, default=False),
    ),
    "aws.ec2clientvpn.Endpoint": (be("connectionLogOptions.enabled", True),),
    "aws.transfer.Server": (
        lambda server: (
            [] if not server["loggingRole"].absent else server["structuredLogDestinations"].must_be_given("a log group")
        ),
    ),
}


@rule(
    "service-logged",
    "Other services write logs",
    on=tuple(_LOGGED),
    requirements="10.2.1 10.2.2 10.4.2",
    controls="AppSync.2 CodeBuild.3 EC2.51",
    severity=MEDIUM,
    remedy="send the logs to a log group",
)
def service_logged(service: Resource) -> Findings:
    return judged(_LOGGED, service)


_KEY_TIMES: Final[Table] = {
    "aws.acmpca.CertificateAuthority": (
        satisfy("certificateAuthorityConfiguration.signingAlgorithm", lambda name: "SHA1" not in str(name), "SHA-2"),
        not_be("certificateAuthorityConfiguration.keyAlgorithm", "RSA_1024", wanted="RSA_2048 or stronger"),
        at_least("permanentDeletionTimeInDays", 7, "days", 30),
    ),
    "aws.paymentcryptography.Key": (
        be("exportable", False),
        be("enabled", True, default=True),
        at_least("deletionWindowInDays", 7, "days", 30),
    ),
}


@rule(
    "cryptography-keys-kept",
    "Keys of certificate authorities and payments are strong, and cannot leave or be lost",
    on=tuple(_KEY_TIMES),
    requirements="3.6.1 3.7.1 3.7.2",
    severity=HIGH,
    remedy="keep the key in the service, with a strong algorithm and a week to stop its deletion",
)
def cryptography_keys_kept(key: Resource) -> Findings:
    return judged(_KEY_TIMES, key)


_ALL_GROUPS: Final = "authorizeAllGroups"


@rule(
    "clientvpn-names-groups",
    "Client VPNs let named groups into named networks",
    on="aws.ec2clientvpn.AuthorizationRule",
    requirements="7.2.1 7.2.2 1.3.1",
    severity=HIGH,
    remedy="set accessGroupId, and targetNetworkCidr to the network that the group needs",
)
def clientvpn_names_groups(authorisation: Resource) -> Findings:
    target = authorisation["targetNetworkCidr"]
    wide = target.breach("a named network") if covers_the_world(networks([target])) else []
    return wide + authorisation[_ALL_GROUPS].must_be(False, default=False)


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
    for entry in source["statefulRules"]:
        header = entry["header"]
        ends = {header[name].value for name in ("source", "destination", "destinationPort")}
        if entry["action"].value == "PASS" and ends <= {"ANY", "any"}:
            findings += entry.breach("named ends", "PASS from any to any")
    return findings


def _passes_nothing_wholesale(rules: object) -> bool:
    lines = (" ".join(line.lower().split()) for line in str(rules).splitlines())
    return not any(line.startswith("pass ") and " any any -> any any" in line for line in lines)


_EFS_POINT: Final[Table] = {
    "aws.efs.AccessPoint": (
        given("posixUser.uid", "a user of its own"),
        not_be("rootDirectory.path", "/", wanted="a directory of its own", default="/"),
    ),
    "aws.sagemaker.Model": (be("enableNetworkIsolation", True),),
}


@rule(
    "service-own-space",
    "Users and models of a service are kept apart from others",
    on=tuple(_EFS_POINT),
    requirements="7.2.1 7.2.2 2.2.6",
    controls="EFS.4",
    severity=MEDIUM,
    remedy="give it a user, a directory or a network of its own",
)
def service_own_space(service: Resource) -> Findings:
    return judged(_EFS_POINT, service)


_ENCRYPTED: Final[Table] = {
    "aws.glue.DataCatalogEncryptionSettings": (
        be(
            "dataCatalogEncryptionSettings.connectionPasswordEncryption.returnConnectionPasswordEncrypted",
            True,
        ),
        be("dataCatalogEncryptionSettings.encryptionAtRest.catalogEncryptionMode", "SSE-KMS"),
    ),
    "aws.glue.Job": (given("securityConfiguration", "a security configuration"),),
    "aws.emr.Cluster": (given("securityConfiguration", "a security configuration"),),
    "aws.codepipeline.Pipeline": (
        each("artifactStores", lambda store: store["encryptionKey"].must_be_given("a customer-managed key")),
    ),
}


@rule(
    "service-encrypted",
    "Other services encrypt what they write with a customer-managed key",
    on=tuple(_ENCRYPTED),
    requirements="3.5.1 8.3.2",
    severity=MEDIUM,
    remedy="name a customer-managed key, or a security configuration with one",
)
def service_encrypted(service: Resource) -> Findings:
    return judged(_ENCRYPTED, service)
