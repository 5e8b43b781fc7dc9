"""Security groups, network ACLs, subnets, VPCs, load balancers, VPN."""

from __future__ import annotations

from tests.policy.cases import FINE, UNDETERMINED, Row

_TUNNEL = {
    "IkeVersions": ["ikev2"],
    "Phase1EncryptionAlgorithms": ["AES256-GCM-16"],
    "Phase2EncryptionAlgorithms": ["AES256-GCM-16"],
    "Phase1IntegrityAlgorithms": ["SHA2-384", "SHA2-512"],
    "Phase2IntegrityAlgorithms": ["SHA2-384"],
    "Phase1DhGroupNumbers": [20.0, 21.0],
    "Phase2DhGroupNumbers": [20.0],
    "LogOptions": {"cloudwatchLogOptions": {"logEnabled": True, "logGroupArn": "arn:aws:logs:::vpn"}},
}
_SG = "aws.ec2.SecurityGroup"
_SGR = "aws.ec2.SecurityGroupRule"
_SGI = "aws.vpc.SecurityGroupIngressRule"
_SGE = "aws.vpc.SecurityGroupEgressRule"
_ACL = "aws.ec2.NetworkAcl"
_LB = "aws.lb.LoadBalancer"
_LISTENER = "aws.lb.Listener"
_TG = "aws.lb.TargetGroup"
_CLASSIC = "aws.elb.LoadBalancer"
_VPN = "aws.ec2.VpnConnection"
_CDN = "aws.cloudfront.Distribution"

BASELINES = {
    _SG: {
        "vpcId": "vpc-1",
        "ingress": [{"protocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "cidrBlocks": ["0.0.0.0/0"]}],
        "egress": [{"protocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "cidrBlocks": ["0.0.0.0/0"]}],
    },
    _SGR: {
        "type": "ingress",
        "securityGroupId": "sg-1",
        "protocol": "tcp",
        "fromPort": 22.0,
        "toPort": 22.0,
        "cidrBlocks": ["203.0.113.0/28", "10.0.0.0/8"],
    },
    _SGI: {
        "securityGroupId": "sg-1",
        "ipProtocol": "tcp",
        "fromPort": 22.0,
        "toPort": 22.0,
        "cidrIpv4": "203.0.113.7/32",
    },
    _SGE: {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "cidrIpv4": "0.0.0.0/0"},
    "aws.ec2.DefaultSecurityGroup": {"vpcId": "vpc-1"},
    "aws.ec2.ManagedPrefixList": {"name": "offices", "entries": [{"cidr": "203.0.113.0/28"}]},
    "aws.ec2.ManagedPrefixListEntry": {"prefixListId": "pl-1", "cidr": "203.0.113.0/28"},
    _ACL: {
        "vpcId": "vpc-1",
        "subnetIds": ["subnet-1"],
        "ingress": [
            {
                "ruleNo": 90,
                "action": "deny",
                "protocol": "tcp",
                "fromPort": 3389,
                "toPort": 3389,
                "cidrBlock": "0.0.0.0/0",
            },
            {
                "ruleNo": 100,
                "action": "allow",
                "protocol": "tcp",
                "fromPort": 1024,
                "toPort": 65535,
                "cidrBlock": "0.0.0.0/0",
            },
        ],
    },
    "aws.ec2.DefaultNetworkAcl": {"defaultNetworkAclId": "acl-1"},
    "aws.ec2.NetworkAclRule": {
        "networkAclId": "acl-1",
        "ruleNumber": 100,
        "ruleAction": "allow",
        "protocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrBlock": "0.0.0.0/0",
    },
    "aws.ec2.Subnet": {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20", "mapPublicIpOnLaunch": False},
    "aws.ec2.FlowLog": {"vpcId": "vpc-1", "trafficType": "ALL"},
    "aws.ec2transitgateway.TransitGateway": {"autoAcceptSharedAttachments": "disable"},
    _LB: {
        "loadBalancerType": "application",
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "strictest",
        "accessLogs": {"bucket": "logs", "enabled": True},
        "idleTimeout": 60,
        "enableDeletionProtection": True,
    },
    _LISTENER: {
        "port": 443,
        "protocol": "HTTPS",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
        "certificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/1",
        "defaultActions": [{"type": "forward", "targetGroupArn": "arn:aws:elasticloadbalancing:::tg"}],
    },
    _TG: {"protocol": "HTTPS", "port": 30443, "stickiness": {"type": "lb_cookie", "enabled": True}},
    _CLASSIC: {
        "internal": True,
        "accessLogs": {"bucket": "logs"},
        "idleTimeout": 60,
        "crossZoneLoadBalancing": True,
        "listeners": [{"lbProtocol": "https", "lbPort": 443, "instanceProtocol": "https", "instancePort": 8443}],
    },
    _CDN: {
        "defaultCacheBehavior": {"viewerProtocolPolicy": "redirect-to-https"},
        "orderedCacheBehaviors": [{"viewerProtocolPolicy": "https-only"}],
        "viewerCertificate": {"acmCertificateArn": "arn:aws:acm:::x", "minimumProtocolVersion": "TLSv1.2_2021"},
        "webAclId": "arn:aws:wafv2:::x",
        "loggingConfig": {"bucket": "logs"},
    },
    "aws.apigateway.DomainName": {"securityPolicy": "TLS_1_2"},
    "aws.apigatewayv2.DomainName": {"domainNameConfiguration": {"securityPolicy": "TLS_1_2"}},
    "aws.apigateway.Stage": {"accessLogSettings": {"destinationArn": "arn:aws:logs:::x"}},
    "aws.apigatewayv2.Stage": {"accessLogSettings": {"destinationArn": "arn:aws:logs:::x"}},
    _VPN: {
        "customerGatewayId": "cgw-1",
        "type": "ipsec.1",
        "presharedKeyStorage": "SecretsManager",
        **{f"tunnel{number}{name}": value for number in (1, 2) for name, value in _TUNNEL.items()},
    },
}

_SSH = "ec2-ssh-from-trusted-ranges"
_HTTPS = "ec2-world-reaches-only-https"
_RDP = "ec2-rdp-closed-to-the-world"
_EGRESS = "ec2-egress-by-port"
_OPEN = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}
_HALVES = ["0.0.0.0/1", "128.0.0.0/1"]
_SSH_OPEN = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}
_WIDE = {"protocol": "tcp", "fromPort": 20, "toPort": 30, "cidrBlocks": ["203.0.0.0/16"]}
_ACL_RULE = "ec2-network-acl-closed-to-administration"

ROWS = [
    # SSH: exactly port 22, by containment, every protocol, wider than named, IPv6, halves of the world.
    Row(_SSH, _SG, "ingress[0]", _SSH_OPEN, absent=FINE, property="ingress[0].cidrBlocks[0]"),
    Row(_SSH, _SG, "ingress[0]", _WIDE, absent=FINE, property="ingress[0].cidrBlocks[0]"),
    Row(
        _SSH, _SG, "ingress[0]", {**_SSH_OPEN, "cidrBlocks": _HALVES}, absent=FINE, property="ingress[0].cidrBlocks[0]"
    ),
    Row(
        _SSH,
        _SG,
        "ingress[0]",
        {"protocol": "6", "fromPort": "22", "toPort": "22", "ipv6CidrBlocks": ["::/0"]},
        absent=FINE,
        property="ingress[0].ipv6CidrBlocks[0]",
    ),
    Row(_SSH, _SG, "ingress[0]", _OPEN, absent=FINE, also=(_RDP, _HTTPS), property="ingress[0].cidrBlocks[0]"),
    Row(_SSH, _SGR, "cidrBlocks[0]", "203.0.0.0/16", absent="skip"),
    Row(_SSH, _SGR, "cidrBlocks[0]", "not-a-range", absent="skip"),
    Row(_SSH, _SGI, "cidrIpv4", "198.51.100.0/23", absent=FINE),
    Row(_SSH, _SGI, "cidrIpv6", "2001:db8::/32", absent=FINE),
    Row(
        _RDP,
        _SGR,
        "cidrBlocks[0]",
        "0.0.0.0/0",
        absent="skip",
        setup=(("cidrBlocks", ["10.0.0.0/8"]), ("fromPort", 3389.0), ("toPort", 3389.0)),
    ),
    Row(
        _RDP,
        _SGI,
        "cidrIpv4",
        "0.0.0.0/0",
        absent=FINE,
        setup=(("cidrIpv4", None), ("fromPort", 3389.0), ("toPort", 3389.0)),
    ),
    Row(
        _RDP,
        _SGR,
        "toPort",
        4000.0,
        property="cidrBlocks[0]",
        absent=FINE,
        also=(_HTTPS,),
        setup=(("toPort", 443.0), ("fromPort", 443.0), ("cidrBlocks", ["0.0.0.0/0"])),
    ),
    Row(
        _HTTPS,
        _SG,
        "ingress[0].cidrBlocks[0]",
        "0.0.0.0/0",
        absent="skip",
        setup=(("ingress[0].cidrBlocks[0]", "10.0.0.0/8"), ("ingress[0].fromPort", 80.0), ("ingress[0].toPort", 80.0)),
    ),
    Row(
        _HTTPS,
        _SGI,
        "ipProtocol",
        "icmp",
        property="cidrIpv4",
        absent="skip",
        setup=(("cidrIpv4", "0.0.0.0/0"), ("fromPort", 443.0), ("toPort", 443.0)),
    ),
    Row(
        _HTTPS,
        _SGI,
        "cidrIpv6",
        "::/0",
        absent=FINE,
        setup=(("fromPort", 8443.0), ("toPort", 8443.0), ("cidrIpv4", None)),
    ),
    Row(
        _HTTPS, _SGR, "cidrBlocks", _HALVES, absent=FINE, setup=(("fromPort", 6379.0), ("toPort", 6379.0)), property=""
    ),
    Row(_EGRESS, _SG, "egress[0]", _OPEN, absent=FINE, property="egress[0].cidrBlocks[0]"),
    Row(_EGRESS, _SGE, "ipProtocol", "-1", property="cidrIpv4", absent="skip"),
    Row(
        _EGRESS,
        _SGR,
        "cidrBlocks[0]",
        "0.0.0.0/0",
        absent="skip",
        setup=(("type", "egress"), ("protocol", "-1"), ("cidrBlocks", ["10.0.0.0/8"])),
    ),
    Row(
        "ec2-default-security-group-closed",
        "aws.ec2.DefaultSecurityGroup",
        "egress",
        [_OPEN],
        absent=FINE,
        unknown="broken",
    ),
    Row(
        "ec2-default-security-group-closed",
        "aws.ec2.DefaultSecurityGroup",
        "ingress",
        [{"protocol": "-1", "self": True}],
        absent=FINE,
        unknown="broken",
    ),
    Row("ec2-prefix-list-names-ranges", "aws.ec2.ManagedPrefixList", "entries[0].cidr", "::/0", absent=FINE),
    Row(
        "ec2-prefix-list-names-ranges",
        "aws.ec2.ManagedPrefixList",
        "entries",
        [{"cidr": "0.0.0.0/1"}, {"cidr": "128.0.0.0/1"}],
        absent=FINE,
        property="entries[0].cidr",
    ),
    Row("ec2-prefix-list-names-ranges", "aws.ec2.ManagedPrefixListEntry", "cidr", "0.0.0.0/0", absent=FINE),
    # Network ACLs: the first entry that contains the port counts.
    Row(_ACL_RULE, _ACL, "ingress[0].ruleNo", 200, property="ingress[1]", absent=FINE, unknown=FINE),
    Row(_ACL_RULE, _ACL, "ingress[1].fromPort", 0, property="ingress[1]"),
    Row(_ACL_RULE, "aws.ec2.NetworkAclRule", "protocol", "-1", property="", absent="skip"),
    Row(_ACL_RULE, "aws.ec2.NetworkAclRule", "fromPort", 0, property=""),
    Row("ec2-subnet-no-public-addresses", "aws.ec2.Subnet", "mapPublicIpOnLaunch", True, absent=FINE),
    Row("ec2-flow-log-all-traffic", "aws.ec2.FlowLog", "trafficType", "REJECT"),
    Row(
        "ec2-transit-gateway-accepts-by-hand",
        "aws.ec2transitgateway.TransitGateway",
        "autoAcceptSharedAttachments",
        "enable",
        absent=FINE,
    ),
    # Load balancers
    Row("lb-drops-invalid-headers", _LB, "dropInvalidHeaderFields", False),
    Row("lb-desync-mitigation", _LB, "desyncMitigationMode", "monitor", absent=FINE),
    Row("lb-desync-mitigation", _CLASSIC, "desyncMitigationMode", "monitor", absent=FINE),
    Row("lb-access-logs", _LB, "accessLogs.enabled", False),
    Row("lb-access-logs", _LB, "accessLogs", {"enabled": True}, property="accessLogs.bucket"),
    Row("lb-access-logs", _CLASSIC, "accessLogs.enabled", False, absent=FINE),
    Row("lb-waf-fails-closed", _LB, "enableWafFailOpen", True, absent=FINE),
    Row("lb-idle-timeout-given", _LB, "idleTimeout", None, unknown=FINE),
    Row("lb-idle-timeout", _LB, "idleTimeout", 1200, absent=FINE),
    Row("lb-idle-timeout", _CLASSIC, "idleTimeout", 3600, absent=FINE),
    Row("lb-deletion-protection", _LB, "enableDeletionProtection", False),
    Row("lb-listener-https", _LISTENER, "protocol", "HTTP"),  # AWS default on a port: HTTP
    Row("lb-listener-tls-policy", _LISTENER, "sslPolicy", "ELBSecurityPolicy-2016-08"),
    Row("lb-listener-tls-policy", _LISTENER, "sslPolicy", "ELBSecurityPolicy-TLS13-1-0-2021-06"),
    Row(
        "lb-listener-acm-certificate",
        _LISTENER,
        "certificateArn",
        "arn:aws:iam::111122223333:server-certificate/x",
        unknown=FINE,
    ),
    Row("lb-session-persistence", _TG, "stickiness.enabled", False, absent=FINE),
    Row("lb-session-persistence", _TG, "stickiness", None, unknown=UNDETERMINED),
    Row("lb-cross-zone", _TG, "loadBalancingCrossZoneEnabled", "false", absent=FINE),
    Row("lb-cross-zone", _CLASSIC, "crossZoneLoadBalancing", False, absent=FINE),
    Row("lb-classic-listener-https", _CLASSIC, "listeners[0].lbProtocol", "http"),
    Row("lb-classic-without-firewall", _CLASSIC, "internal", False),
    Row("cloudfront-https", _CDN, "defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
    Row("cloudfront-https", _CDN, "orderedCacheBehaviors[0].viewerProtocolPolicy", "allow-all"),
    Row("cloudfront-tls-policy", _CDN, "viewerCertificate.minimumProtocolVersion", "TLSv1.1_2016"),
    Row("cloudfront-tls-policy", _CDN, "viewerCertificate.cloudfrontDefaultCertificate", True, absent=FINE),
    Row("cloudfront-firewall", _CDN, "webAclId", None, unknown=FINE),
    Row("cloudfront-access-logs", _CDN, "loggingConfig.bucket", None, unknown=FINE),
    Row("apigateway-tls-policy", "aws.apigateway.DomainName", "securityPolicy", "TLS_1_0"),
    Row("apigateway-tls-policy", "aws.apigatewayv2.DomainName", "domainNameConfiguration.securityPolicy", "TLS_1_0"),
    *(
        Row("apigateway-access-logs", kind, "accessLogSettings.destinationArn", None, unknown=FINE)
        for kind in ("aws.apigateway.Stage", "aws.apigatewayv2.Stage")
    ),
    # VPN, each list of each tunnel and phase
    *(Row("vpn-ikev2-only", _VPN, f"tunnel{n}IkeVersions", ["ikev1", "ikev2"]) for n in (1, 2)),
    *(
        Row(rule, _VPN, f"tunnel{n}Phase{phase}{name}", value)
        for n in (1, 2)
        for phase in (1, 2)
        for rule, name, value in (
            ("vpn-strong-ciphers", "EncryptionAlgorithms", ["AES256-GCM-16", "AES128"]),
            ("vpn-strong-integrity", "IntegrityAlgorithms", ["SHA1"]),
            ("vpn-strong-groups", "DhGroupNumbers", [14.0, 20.0]),
        )
    ),
    *(Row("vpn-tunnel-logs", _VPN, f"tunnel{n}LogOptions.cloudwatchLogOptions.logEnabled", False) for n in (1, 2)),
    Row("vpn-keys-in-secrets-manager", _VPN, "presharedKeyStorage", "Standard"),
]
