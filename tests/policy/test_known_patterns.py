"""What is often done wrong is caught, and what only looks like it is left alone.

The patterns are written by hand after what other policy packs and scanners test for (Pulumi's compliance policies,
cdk-nag, checkov, Prowler) and after what pulumi-eks, awsx and the providers' examples make when nothing is said. Each
is judged as it stands, among everything else that is wrong with it: the named rule must be one that it breaks.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from policy.judgement import Judgement
from policy.rule import Resource
from policy.stack import Stack
from tests.policy.cases.resources import urn

SG, SGR = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule"
SGI = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
DB, CLUSTER = "aws:rds/instance:Instance", "aws:rds/cluster:Cluster"
POLICY, ROLE = "aws:iam/policy:Policy", "aws:iam/role:Role"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
DEPLOYMENT, POD = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Pod"
WORLD = "0.0.0.0/0"


def entry(protocol: str, first: int, last: int, *ranges: str, **more: Any) -> dict[str, Any]:
    return {"protocol": protocol, "fromPort": first, "toPort": last, "cidrBlocks": list(ranges), **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def allow(action: Any, resource: Any = "*", **more: Any) -> str:
    return document({"Effect": "Allow", "Action": action, "Resource": resource, **more})


def trust(principal: Any, **more: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def pod(container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "spec": {"template": {"spec": {**spec, "containers": [{"name": "app", "image": "nginx", **(container or {})}]}}}
    }


BAD: list[tuple[str, str, str, dict[str, Any]]] = [
    *(
        (
            f"administrator of every namespace by {name}",
            "eks-access-names-rights",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            {"policyArn": f"arn:aws:eks::aws:cluster-access-policy/{name}", "accessScope": {"type": "cluster"}},
        )
        for name in ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy")
    ),
    # Security groups of tutorials, awsx and pulumi-eks
    ("ssh from anywhere", "ec2-ssh-from-trusted-ranges", SG, {"ingress": [entry("tcp", 22, 22, WORLD)]}),
    (
        "ssh from anywhere by IPv6",
        "ec2-ssh-from-trusted-ranges",
        SGI,
        {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv6": "::/0"},
    ),
    (
        "ssh in a range of ports",
        "ec2-ssh-from-trusted-ranges",
        SGR,
        {"type": "ingress", **entry("tcp", 0, 1024, WORLD)},
    ),
    ("ssh with protocol number", "ec2-ssh-from-trusted-ranges", SGR, {"type": "ingress", **entry("6", 22, 22, WORLD)}),
    (
        "ssh from half the world",
        "ec2-ssh-from-trusted-ranges",
        SGI,
        {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "128.0.0.0/1"},
    ),
    ("remote desktop from anywhere", "ec2-rdp-closed-to-the-world", SG, {"ingress": [entry("tcp", 3389, 3389, WORLD)]}),
    ("everything from anywhere", "ec2-world-reaches-only-https", SG, {"ingress": [entry("-1", 0, 0, WORLD)]}),
    ("plain http from anywhere", "ec2-world-reaches-only-https", SG, {"ingress": [entry("tcp", 80, 80, WORLD)]}),
    (
        "mysql from anywhere",
        "ec2-world-reaches-only-https",
        SGR,
        {"type": "ingress", **entry("tcp", 3306, 3306, WORLD)},
    ),
    (
        "redis from anywhere in halves",
        "ec2-world-reaches-only-https",
        SG,
        {"ingress": [entry("tcp", 6379, 6379, "0.0.0.0/1", "128.0.0.0/1")]},
    ),
    (
        "world in quarters",
        "ec2-world-reaches-only-https",
        SG,
        {"ingress": [entry("tcp", 3306, 3306, "0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2")]},
    ),
    ("node ports from anywhere", "ec2-world-reaches-only-https", SG, {"ingress": [entry("tcp", 30000, 32767, WORLD)]}),
    ("awsx egress of everything", "ec2-egress-by-port", SG, {"egress": [entry("-1", 0, 0, WORLD)]}),
    ("pulumi-eks node egress", "ec2-egress-by-port", SGR, {"type": "egress", **entry("-1", 0, 0, WORLD)}),
    ("all tcp ports out", "ec2-egress-by-port", SG, {"egress": [entry("tcp", 0, 65535, WORLD)]}),
    (
        "default group with AWS's entries",
        "ec2-default-security-group-closed",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        {"ingress": [{"protocol": "-1", "self": True}]},
    ),
    ("awsx public subnet", "ec2-subnet-no-public-addresses", "aws:ec2/subnet:Subnet", {"mapPublicIpOnLaunch": True}),
    ("the default VPC", "ec2-no-default-vpc", "aws:ec2/defaultVpc:DefaultVpc", {}),
    (
        "network ACL that allows everything",
        "ec2-network-acl-closed-to-administration",
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        {
            "ingress": [
                {"ruleNo": 100, "action": "allow", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlock": WORLD}
            ]
        },
    ),
    (
        "flow log of accepted traffic only",
        "ec2-flow-log-all-traffic",
        "aws:ec2/flowLog:FlowLog",
        {"trafficType": "ACCEPT"},
    ),
    # Instances as the examples make them
    (
        "plain instance",
        "ec2-imdsv2-required",
        "aws:ec2/instance:Instance",
        {"ami": "ami-1", "instanceType": "t3.micro"},
    ),
    (
        "instance with a public address",
        "ec2-no-public-address",
        "aws:ec2/instance:Instance",
        {"associatePublicIpAddress": True},
    ),
    (
        "instance with an unencrypted disk",
        "ec2-disks-encrypted",
        "aws:ec2/instance:Instance",
        {"rootBlockDevice": {"volumeSize": 50}},
    ),
    (
        "pulumi-eks launch template",
        "ec2-imdsv2-required",
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"metadataOptions": {"httpTokens": "optional", "httpPutResponseHopLimit": 2}},
    ),
    (
        "launch configuration with a public address",
        "ec2-no-public-address",
        "aws:ec2/launchConfiguration:LaunchConfiguration",
        {"associatePublicIpAddress": True},
    ),
    ("unencrypted volume", "ec2-volume-encrypted", "aws:ebs/volume:Volume", {"availabilityZone": "a", "size": 8}),
    # Load balancers
    (
        "http listener that forwards",
        "lb-listener-https",
        "aws:lb/listener:Listener",
        {"port": 80, "protocol": "HTTP", "defaultActions": [{"type": "forward"}]},
    ),
    (
        "http listener that redirects to http",
        "lb-listener-https",
        "aws:alb/listener:Listener",
        {"port": 80, "protocol": "HTTP", "defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTP"}}]},
    ),
    (
        "https listener with AWS's default policy",
        "lb-listener-tls-policy",
        "aws:lb/listener:Listener",
        {"port": 443, "protocol": "HTTPS"},
    ),
    (
        "https listener with TLS 1.1",
        "lb-listener-tls-policy",
        "aws:lb/listener:Listener",
        {"port": 443, "protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS-1-1-2017-01"},
    ),
    (
        "awsx load balancer without logs",
        "lb-access-logs",
        "aws:lb/loadBalancer:LoadBalancer",
        {"securityGroups": ["sg"]},
    ),
    (
        "load balancer that keeps bad headers",
        "lb-drops-invalid-headers",
        "aws:lb/loadBalancer:LoadBalancer",
        {"loadBalancerType": "application"},
    ),
    (
        "classic load balancer with http",
        "lb-classic-listener-https",
        "aws:elb/loadBalancer:LoadBalancer",
        {"listeners": [{"lbProtocol": "http", "lbPort": 80}]},
    ),
    # Databases and caches
    ("public database", "rds-not-public", DB, {"publiclyAccessible": True}),
    ("example with skip_final_snapshot", "rds-final-snapshot", DB, {"engine": "mysql", "skipFinalSnapshot": True}),
    (
        "example with a password",
        "rds-managed-password",
        DB,
        {"engine": "mysql", "username": "foo", "password": "foobarbaz"},
    ),
    ("database of examples", "rds-storage-encrypted", DB, {"engine": "mysql", "allocatedStorage": 10}),
    ("database without backups", "rds-backups", DB, {"engine": "mysql", "backupRetentionPeriod": 0}),
    (
        "postgres cluster named postgres",
        "rds-own-administrator-name",
        CLUSTER,
        {"engine": "aurora-postgresql", "masterUsername": "postgres"},
    ),
    ("MySQL 5.7", "rds-supported-engine", DB, {"engine": "mysql", "engineVersion": "5.7"}),
    (
        "database cluster without audit log",
        "rds-logs-exported",
        CLUSTER,
        {"engine": "aurora-mysql", "enabledCloudwatchLogsExports": ["slowquery"]},
    ),
    (
        "audit log with statement text",
        "rds-no-statement-text",
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        {
            "family": "aurora-mysql8.0",
            "parameters": [{"name": "server_audit_events", "value": "CONNECT, QUERY, TABLE"}],
        },
    ),
    (
        "TLS optional",
        "rds-tls-required",
        "aws:rds/parameterGroup:ParameterGroup",
        {"family": "mysql8.0", "parameters": [{"name": "max_connections", "value": "10"}]},
    ),
    (
        "snapshot shared with everyone",
        "rds-snapshot-not-public",
        "aws:rds/snapshot:Snapshot",
        {"sharedAccounts": ["all"]},
    ),
    (
        "redis cluster of one node",
        "elasticache-no-single-node",
        "aws:elasticache/cluster:Cluster",
        {"engine": "redis", "numCacheNodes": 1},
    ),
    (
        "redis without TLS",
        "elasticache-encrypted-in-transit",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {"engine": "redis"},
    ),
    (
        "redis without users",
        "elasticache-authenticated",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {"engine": "redis", "transitEncryptionEnabled": True},
    ),
    (
        "default user of AWS's examples",
        "elasticache-default-user-off",
        "aws:elasticache/user:User",
        {
            "userName": "default",
            "accessString": "on ~app::* -@all +@read +@hash",
            "authenticationMode": {"type": "password"},
        },
    ),
    # Migration and VPN
    (
        "public replication instance by default",
        "dms-not-public",
        "aws:dms/replicationInstance:ReplicationInstance",
        {"replicationInstanceClass": "dms.t3.micro"},
    ),
    (
        "endpoint without TLS",
        "dms-endpoint-tls",
        "aws:dms/endpoint:Endpoint",
        {"engineName": "aurora", "sslMode": "none", "username": "u"},
    ),
    (
        "endpoint with a password",
        "dms-endpoint-secret",
        "aws:dms/endpoint:Endpoint",
        {"engineName": "mysql", "username": "test", "password": "test"},
    ),
    (
        "VPN with AWS's defaults",
        "vpn-ikev2-only",
        "aws:ec2/vpnConnection:VpnConnection",
        {"customerGatewayId": "cgw", "type": "ipsec.1"},
    ),
    (
        "VPN with one strong tunnel",
        "vpn-strong-ciphers",
        "aws:ec2/vpnConnection:VpnConnection",
        {
            "tunnel1Phase1EncryptionAlgorithms": ["AES256-GCM-16"],
            "tunnel1Phase2EncryptionAlgorithms": ["AES256-GCM-16"],
        },
    ),
    (
        "VPN with a key in the program",
        "vpn-keys-in-secrets-manager",
        "aws:ec2/vpnConnection:VpnConnection",
        {"tunnel1PresharedKey": "abcdefgh"},
    ),
    # S3
    ("public bucket", "s3-no-acl", "aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}),
    ("website bucket of the old resource", "s3-no-acl", "aws:s3/bucket:Bucket", {"acl": "public-read-write"}),
    (
        "block that blocks half",
        "s3-public-access-blocked",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True},
    ),
    (
        "objects for everyone",
        "iam-policy-names-who",
        BUCKET_POLICY,
        {
            "policy": document(
                {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"}
            )
        },
    ),
    (
        "objects for everyone but one",
        "iam-policy-names-who",
        BUCKET_POLICY,
        {
            "policy": document(
                {
                    "Effect": "Allow",
                    "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "s3:*",
                    "Resource": "*",
                }
            )
        },
    ),
    (
        "TLS asked of reads only",
        "s3-policy-requires-tls",
        BUCKET_POLICY,
        {
            "policy": document(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            )
        },
    ),
    (
        "bucket with S3's own key",
        "s3-encrypted-with-kms",
        "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
    ),
    # IAM
    ("administrator", "iam-no-administrator", POLICY, {"policy": allow("*")}),
    (
        "administrator as an object",
        "iam-no-administrator",
        POLICY,
        {"policy": {"Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}},
    ),
    ("all of S3", "iam-no-full-access-to-a-service", POLICY, {"policy": allow(["s3:*"])}),
    (
        "pass any role",
        "iam-no-pass-role-on-everything",
        POLICY,
        {"policy": allow(["ec2:RunInstances", "iam:PassRole"])},
    ),
    (
        "all but one service",
        "iam-no-administrator",
        POLICY,
        {"policy": document({"Effect": "Allow", "NotAction": "organizations:*", "Resource": "*"})},
    ),
    (
        "policy versions of everything",
        "iam-no-privilege-escalation",
        POLICY,
        {"policy": allow("iam:CreatePolicyVersion", "arn:aws:iam::111122223333:policy/*")},
    ),
    (
        "decrypt with every key",
        "iam-no-decryption-with-every-key",
        POLICY,
        {"policy": allow(["kms:Decrypt", "kms:Encrypt"], "arn:aws:kms:*:111122223333:key/*")},
    ),
    ("role for every account", "iam-role-trusts-named-principals", ROLE, {"assumeRolePolicy": trust({"AWS": "*"})}),
    (
        "role for every repository of GitHub",
        "iam-role-trusts-named-principals",
        ROLE,
        {
            "assumeRolePolicy": trust(
                {"Federated": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"},
                Condition={"StringLike": {"token.actions.githubusercontent.com:sub": "*"}},
            )
        },
    ),
    (
        "full access attached",
        "iam-no-broad-managed-policy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"policyArn": "arn:aws:iam::aws:policy/AmazonEC2FullAccess"},
    ),
    ("access key", "iam-no-access-keys", "aws:iam/accessKey:AccessKey", {"user": "ci"}),
    (
        "function for everyone",
        "lambda-not-public",
        "aws:lambda/permission:Permission",
        {"principal": "*", "action": "lambda:InvokeFunction"},
    ),
    (
        "queue for everyone",
        "iam-policy-names-who",
        "aws:sqs/queuePolicy:QueuePolicy",
        {
            "policy": document(
                {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "sqs:SendMessage", "Resource": "*"}
            )
        },
    ),
    (
        "key for everyone",
        "iam-policy-names-who",
        "aws:kms/key:Key",
        {"policy": document({"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"})},
    ),
    (
        "topic for everybody's address",
        "iam-policy-names-who",
        "aws:sns/topicPolicy:TopicPolicy",
        {
            "policy": document(
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": "*",
                    "Condition": {"IpAddress": {"aws:SourceIp": WORLD}},
                }
            )
        },
    ),
    # EKS and Kubernetes
    (
        "pulumi-eks cluster by default",
        "eks-endpoint-not-open",
        "aws:eks/cluster:Cluster",
        {"vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": [WORLD]}},
    ),
    ("cluster that says nothing", "eks-endpoint-not-open", "aws:eks/cluster:Cluster", {}),
    (
        "cluster without audit log",
        "eks-control-plane-logs",
        "aws:eks/cluster:Cluster",
        {"enabledClusterLogTypes": ["api"]},
    ),
    ("cluster without encrypted secrets", "eks-secrets-encrypted", "aws:eks/cluster:Cluster", {}),
    (
        "node group with ssh for the world",
        "eks-node-ssh-from-groups",
        "aws:eks/nodeGroup:NodeGroup",
        {"remoteAccess": {"ec2SshKey": "k"}},
    ),
    ("privileged container", "kubernetes-no-privileges", DEPLOYMENT, pod({"securityContext": {"privileged": True}})),
    (
        "pod on the node's network",
        "kubernetes-no-host-namespaces",
        POD,
        {"spec": {"hostNetwork": True, "containers": []}},
    ),
    (
        "container socket mounted",
        "kubernetes-no-host-namespaces",
        DEPLOYMENT,
        pod(volumes=[{"hostPath": {"path": "/run/containerd"}}]),
    ),
    ("image by tag", "kubernetes-image-by-digest", DEPLOYMENT, pod({"image": "nginx:1.27"})),
    ("no limits", "kubernetes-limits", DEPLOYMENT, pod()),
    ("default service account", "kubernetes-own-service-account", DEPLOYMENT, pod()),
    ("runs as root", "kubernetes-runs-as-user", DEPLOYMENT, pod({"securityContext": {"runAsUser": 0}})),
    (
        "password in the manifest",
        "kubernetes-no-secret-in-environment",
        DEPLOYMENT,
        pod({"env": [{"name": "MYSQL_PASSWORD", "value": "secret"}]}),
    ),
    (
        "service with its own load balancer",
        "kubernetes-no-own-load-balancer",
        "kubernetes:core/v1:Service",
        {"spec": {"type": "LoadBalancer"}},
    ),
    (
        "everyone is administrator",
        "kubernetes-bindings-name-subjects",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
        {"roleRef": {"name": "cluster-admin"}, "subjects": [{"name": "system:authenticated"}]},
    ),
    # Logs, keys, secrets
    (
        "everything among members",
        "ec2-groups-name-ports",
        SG,
        {"ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]},
    ),
    ("log group of examples", "logs-retention", "aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 7}),
    ("trail of one Region", "cloudtrail-records-everything", "aws:cloudtrail/trail:Trail", {"s3BucketName": "b"}),
    ("trail without validation", "cloudtrail-validated", "aws:cloudtrail/trail:Trail", {"s3BucketName": "b"}),
    ("key without rotation", "kms-rotation", "aws:kms/key:Key", {"description": "x"}),
    ("topic without key", "sns-encrypted", "aws:sns/topic:Topic", {}),
    ("images overwritten", "ecr-immutable-tags", "aws:ecr/repository:Repository", {}),
    (
        "agent token in user data",
        "any-no-secret-in-plain-text",
        "aws:ec2/launchTemplate:LaunchTemplate",
        {
            "userData": base64.b64encode(
                b'#!/bin/bash\ndsa_control -a dsm://x:443/ "token:A1B2C3D4-0000-1111-2222-333344445555"'
            ).decode()
        },
    ),
    (
        "password in a container definition",
        "any-no-secret-in-plain-text",
        "aws:ecs/taskDefinition:TaskDefinition",
        {
            "containerDefinitions": json.dumps(
                [{"environment": [{"name": "x", "value": "jdbc:mysql://db?user=app&password=s3cr3tvalue"}]}]
            )
        },
    ),
    (
        "parameter with a private key",
        "any-no-secret-in-plain-text",
        "aws:ssm/parameter:Parameter",
        {"value": "-----BEGIN EC " + "PRIVATE KEY-----\nMHcC"},
    ),
    (
        "count mode",
        "wafv2-blocks-in-production",
        "aws:wafv2/webAcl:WebAcl",
        {"rules": [{"name": "x", "overrideAction": {"count": {}}}]},
    ),
]

FINE: list[tuple[str, str, dict[str, Any]]] = [
    ("https for the world", SG, {"ingress": [entry("tcp", 443, 443, WORLD, ipv6CidrBlocks=["::/0"])]}),
    ("http/3 for the world", SG, {"ingress": [entry("udp", 443, 443, WORLD)]}),
    ("ssh from one office", SG, {"ingress": [entry("tcp", 22, 22, "203.0.113.0/28")]}),
    ("ssh inside the VPC", SG, {"ingress": [entry("tcp", 22, 22, "10.0.0.0/8")]}),
    ("log group for ever", "aws:cloudwatch/logGroup:LogGroup", {"name": "x", "kmsKeyId": "k"}),
    (
        "mysql from a group",
        SGR,
        {"type": "ingress", "protocol": "tcp", "fromPort": 3306, "toPort": 3306, "sourceSecurityGroupId": "sg-1"},
    ),
    ("https out", SG, {"egress": [entry("tcp", 443, 443, WORLD)]}),
    ("everything out to the VPC", SG, {"egress": [entry("-1", 0, 0, "10.0.0.0/16")]}),
    (
        "http redirected to https",
        "aws:lb/listener:Listener",
        {
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [
                {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
            ],
        },
    ),
    (
        "tcp listener of a network load balancer",
        "aws:lb/listener:Listener",
        {"port": 443, "protocol": "TCP", "defaultActions": [{"type": "forward"}]},
    ),
    (
        "root of the account in a key policy",
        "aws:kms/key:Key",
        {
            "enableKeyRotation": True,
            "policy": document(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ),
        },
    ),
    (
        "key for one's own account",
        "aws:kms/key:Key",
        {
            "enableKeyRotation": True,
            "policy": document(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": "kms:Decrypt",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333"}},
                }
            ),
        },
    ),
    ("asymmetric key", "aws:kms/key:Key", {"customerMasterKeySpec": "ECC_NIST_P256", "keyUsage": "SIGN_VERIFY"}),
    (
        "actions that allow no narrower resource",
        POLICY,
        {"policy": allow(["ec2:DescribeInstances", "ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"])},
    ),
    (
        "pass roles to one service",
        POLICY,
        {"policy": allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "eks.amazonaws.com"}})},
    ),
    ("pass one role", POLICY, {"policy": allow("iam:PassRole", "arn:aws:iam::111122223333:role/node")}),
    (
        "decrypt through one service",
        POLICY,
        {
            "policy": allow(
                "kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}
            )
        },
    ),
    ("deny everything", POLICY, {"policy": document({"Effect": "Deny", "Action": "*", "Resource": "*"})}),
    (
        "role for one repository of GitHub",
        ROLE,
        {
            "assumeRolePolicy": trust(
                {"Federated": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"},
                Condition={
                    "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                    "StringLike": {"token.actions.githubusercontent.com:sub": "repo:softpos/platform:*"},
                },
            )
        },
    ),
    (
        "role for pods",
        ROLE,
        {
            "assumeRolePolicy": document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                }
            )
        },
    ),
    (
        "AWS's read-only policy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
    ),
    (
        "own policy named FullAccess",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"policyArn": "arn:aws:iam::111122223333:policy/ReportsFullAccess"},
    ),
    (
        "topic for the account's own alarms",
        "aws:sns/topicPolicy:TopicPolicy",
        {
            "policy": document(
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "sns:Publish",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"AWS:SourceOwner": "111122223333"}},
                }
            )
        },
    ),
    (
        "function for a bucket's events",
        "aws:lambda/permission:Permission",
        {"principal": "s3.amazonaws.com", "sourceAccount": "111122223333"},
    ),
    (
        "name of a secret",
        "aws:ssm/parameter:Parameter",
        {
            "name": "/softpos/database/password-secret-arn",
            "value": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:softpos/database-AbCdEf",
        },
    ),
    (
        "script that fetches a secret",
        "aws:ssm/document:Document",
        {"content": 'PASSWORD="$(aws secretsmanager get-secret-value --secret-id softpos)"; export TOKEN=$PASSWORD'},
    ),
    (
        "certificate",
        "aws:dms/certificate:Certificate",
        {"certificatePem": "-----BEGIN CERTIFICATE-----\nMIIBwjCCAWigAwIBAgITZ5175MgY\n-----END CERTIFICATE-----"},
    ),
    (
        "long numbers that are no cards",
        "aws:ec2/eip:Eip",
        {"tags": {"epoch": "1763851234567", "arn": "arn:aws:iam::111122223333:role/x", "order": "4111111111111112"}},
    ),
    (
        "public ssh key",
        "aws:ec2/keyPair:KeyPair",
        {"publicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL/EQQw5iJMawbxR8yAnT/inAO4gsLMhimq8asrq1ljN ops"},
    ),
    (
        "memcached asks no one",
        "aws:elasticache/serverlessCache:ServerlessCache",
        {"engine": "memcached", "kmsKeyId": "key"},
    ),
    (
        "read replica without settings of its own",
        "aws:rds/clusterInstance:ClusterInstance",
        {"engine": "aurora-mysql", "clusterIdentifier": "c"},
    ),
    ("S3 endpoint of a migration", "aws:dms/endpoint:Endpoint", {"engineName": "s3", "kmsKeyArn": "key"}),
    ("internal service", "kubernetes:core/v1:Service", {"spec": {"ports": [{"port": 8443}]}}),
    (
        "network ACL with ephemeral ports",
        "aws:ec2/networkAcl:NetworkAcl",
        {
            "ingress": [
                {
                    "ruleNo": 1,
                    "action": "deny",
                    "protocol": "tcp",
                    "fromPort": 3389,
                    "toPort": 3389,
                    "cidrBlock": WORLD,
                },
                {
                    "ruleNo": 2,
                    "action": "allow",
                    "protocol": "tcp",
                    "fromPort": 1024,
                    "toPort": 65535,
                    "cidrBlock": WORLD,
                },
            ]
        },
    ),
]


def judged(judge: Judgement, resource_type: str, properties: dict[str, Any]) -> set[str]:
    resource = Resource(resource_type, "pattern", urn(resource_type, "pattern"), properties)
    return {found.rule.name for found in judge.of_resource(resource, {}) if not found.undetermined}


@pytest.mark.parametrize(("rule", "resource_type", "properties"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_pattern_that_is_often_wrong_is_caught(
    judge: Judgement, rule: str, resource_type: str, properties: dict[str, Any]
) -> None:
    assert rule in judged(judge, resource_type, properties)


@pytest.mark.parametrize(("resource_type", "properties"), [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_pattern_that_only_looks_wrong_is_left_alone(
    judge: Judgement, resource_type: str, properties: dict[str, Any]
) -> None:
    wishes = {made.name for made in judge.rules if made.wish}  # this platform's; the pattern may be another's
    assert judged(judge, resource_type, properties) - wishes == set()


def test_at_least_sixty_patterns_are_tried() -> None:
    assert len(BAD) >= 60
    assert len({name for name, *_ in BAD}) == len(BAD)


def test_bucket_of_the_getting_started_guide_lacks_everything(judge: Judgement) -> None:
    bucket = Resource("aws:s3/bucket:Bucket", "my-bucket", urn("aws:s3/bucket:Bucket", "my-bucket"), {})
    assert {found.rule.name for found in judge.of_stack(Stack([bucket]), {})} == {
        "s3-bucket-access-logs",
        "s3-bucket-encryption",
        "s3-bucket-lifecycle",
        "s3-bucket-policy",
        "s3-bucket-public-access-block",
        "s3-bucket-versioning",
    }


def test_vpc_of_awsx_lacks_flow_log_closed_group_and_trail(judge: Judgement) -> None:
    vpc = Resource("aws:ec2/vpc:Vpc", "vpc", urn("aws:ec2/vpc:Vpc", "vpc"), {"cidrBlock": "10.0.0.0/16"})
    assert {found.rule.name for found in judge.of_stack(Stack([vpc]), {})} == {
        "cloudtrail-present",
        "ec2-default-security-group-managed",
        "ec2-vpc-flow-logs",
    }
