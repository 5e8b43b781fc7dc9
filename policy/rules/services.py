"""Application services that have no room of their own: containers, functions' neighbours, interfaces and pipelines."""

from __future__ import annotations

import re
from typing import Any, Final

from ..conditions import narrows
from ..network import covers_the_world, networks
from ..reading import Findings, Property
from ..rule import CRITICAL, HIGH, MEDIUM, Resource, rule
from ..settings import Check, Table, absent, at_least, be, each, given, judged, not_be, own_key, satisfy


def _narrowed(condition: Property) -> bool:
    operator, key = (str(condition[name].value).lower() for name in ("type", "key"))
    return condition["value"].unknown or narrows(operator, key, (condition["value"].value,))


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
            [] if _narrowed(permission["condition"]) else permission["principal"].must_not_be("*", wanted="an account")
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
    "aws.apigatewayv2.Api": (absent("target", "routes of its own, which ask who comes"),),
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


# Policies with SHA-1, CBC or older key exchanges; AWS Transfer Family's own list of security policies.
_OLD_TRANSFER: Final = (
    "TransferSecurityPolicy-2018",
    "TransferSecurityPolicy-2020",
    "TransferSecurityPolicy-FIPS-2020",
)
_OLD_PLATFORMS: Final = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")  # of Fargate
_PLAIN_SCHEMES: Final = ("http://",)


def _no_plain_address(path: str) -> Any:
    return satisfy(
        path, lambda url: not str(url).lower().startswith(_PLAIN_SCHEMES), "an address with https", default=""
    )


def _encrypted_connection(connection: Resource) -> Findings:
    properties = connection["connectionProperties"]
    # AWS default of JDBC_ENFORCE_SSL: false. Connections to Kafka and MongoDB have properties of their own.
    return [] if properties["JDBC_CONNECTION_URL"].absent else properties["JDBC_ENFORCE_SSL"].must_be(True)


_TLS: Final[Table] = {
    "aws.ecs.TaskDefinition": (
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
        be("tlsConfig.insecureSkipVerification", False, default=False),
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
    "aws.glue.Connection": (_encrypted_connection,),
    "aws.transfer.Connector": (
        _no_plain_address("url"),
        not_be("as2Config.encryptionAlgorithm", "NONE", wanted="AES", default="AES256_CBC"),
    ),
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


def _option(namespace: str, name: str) -> Check:
    """The value of a setting of Elastic Beanstalk; AWS default of those that are asked for: off."""

    def check(environment: Resource) -> Findings:
        for entry in environment["settings"]:
            if entry.unknown or (entry["namespace"].value == namespace and entry["name"].value == name):
                return entry["value"].must_be(True)
        return environment["settings"].breach(f"{name} = true", "without it")

    return check


_LOGGED: Final[Table] = {
    "aws.apigateway.MethodSettings": (
        # The data of requests and answers, which can hold card numbers, must not be in the log.
        be("settings.dataTraceEnabled", False, default=False),
        not_be("settings.loggingLevel", "OFF", wanted="ERROR or INFO", default="ERROR"),
    ),
    "aws.appsync.GraphQLApi": (
        given("logConfig.fieldLogLevel", "a log level"),
        not_be("logConfig.fieldLogLevel", "NONE", wanted="ERROR or ALL", default="ERROR"),
    ),
    "aws.ecs.Cluster": (
        not_be("configuration.executeCommandConfiguration.logging", "NONE", wanted="DEFAULT", default="DEFAULT"),
    ),
    "aws.codebuild.Project": (
        not_be("logsConfig.cloudwatchLogs.status", "DISABLED", wanted="ENABLED", default="ENABLED"),
        be("logsConfig.s3Logs.encryptionDisabled", False, default=False),
        be("artifacts.encryptionDisabled", False, default=False),
        each("secondaryArtifacts", lambda one: one["encryptionDisabled"].must_be(False, default=False)),
    ),
    "aws.codebuild.ReportGroup": (be("exportConfig.s3Destination.encryptionDisabled", False, default=False),),
    "aws.ec2clientvpn.Endpoint": (be("connectionLogOptions.enabled", True),),
    "aws.elasticbeanstalk.Environment": (_option("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs"),),
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
    controls="AppSync.2 CodeBuild.3 EC2.51 ElasticBeanstalk.3",
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


_UPDATED: Final[Table] = {
    "aws.ecs.Service": (not_be("platformVersion", *_OLD_PLATFORMS, wanted="LATEST or 1.4.0", default="LATEST"),),
    "aws.elasticbeanstalk.Environment": (_option("aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled"),),
}


@rule(
    "service-updated",
    "Platforms that AWS runs are updated by AWS",
    on=tuple(_UPDATED),
    requirements="6.3.3",
    controls="ECS.10 ElasticBeanstalk.2",
    severity=MEDIUM,
    remedy="take the latest platform, and let managed updates run",
)
def service_updated(service: Resource) -> Findings:
    return judged(_UPDATED, service)


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


def _encrypts_everything(configuration: Resource) -> Findings:
    """The document is JSON text: both kinds of encryption must be on in it."""
    text = configuration["configuration"]
    return _turns_on(text, "EnableAtRestEncryption") + _turns_on(text, "EnableInTransitEncryption")


def _turns_on(text: Property, switch: str) -> Findings:
    on = re.compile(rf'"{switch}"\s{{0,9}}:\s{{0,9}}true')
    return text.must(lambda value: on.search(str(value)) is not None, f"with {switch} true")


_ENCRYPTED: Final[Table] = {
    "aws.glue.DataCatalogEncryptionSettings": (
        be(
            "dataCatalogEncryptionSettings.connectionPasswordEncryption.returnConnectionPasswordEncrypted",
            True,
        ),
        be("dataCatalogEncryptionSettings.encryptionAtRest.catalogEncryptionMode", "SSE-KMS"),
    ),
    "aws.athena.Database": (be("encryptionConfiguration.encryptionOption", "SSE_KMS", "CSE_KMS"),),
    "aws.codeartifact.Domain": (own_key("encryptionKey"),),
    "aws.glue.Crawler": (given("securityConfiguration", "a security configuration"),),
    "aws.glue.Job": (given("securityConfiguration", "a security configuration"),),
    "aws.emr.SecurityConfiguration": (_encrypts_everything,),
    "aws.sagemaker.Domain": (own_key("kmsKeyId"),),
    "aws.emr.Cluster": (given("securityConfiguration", "a security configuration"),),
    "aws.codepipeline.Pipeline": (each("artifactStores", lambda store: store["encryptionKey"].must_name_own_key()),),
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
