import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import pytest

from components.audit.audit_trail import AuditTrail, AuditTrailArgs
from components.audit.cis_alarms import WATCHED
from components.audit.threat_detection import FINDINGS, GUARDDUTY_FEATURES, inspected
from components.foundations.encryption_keys import USES, key_policy
from components.foundations.log_storage import LogStorage
from components.foundations.placement import Placement
from recording.program import Recording
from recording.recorder import Resource
from settings import AuditSettings
from tests.components.conftest import ACCOUNT, REGION, Play

AUDIT_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/audit"
LOGS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs"
SETTINGS = AuditSettings(
    alarm_emails=("platform@example.com", "security@example.com"),
    log_retention_days=400,
    bucket_lock="governance",
    trail="create",
    config="create",
    guardduty="create",
    security_hub="create",
    inspector="create",
    account_baseline="create",
)
TRAIL, CONFIG, ACCESS = "audit-trail-bucket", "audit-config-bucket", "audit-access-logs"
BUCKETS = (TRAIL, CONFIG, ACCESS)


@pytest.fixture(scope="module")
def arguments(placement: Placement, logs: LogStorage) -> AuditTrailArgs:
    return AuditTrailArgs(
        placement=placement, logs=logs, settings=SETTINGS, audit_key_arn=AUDIT_KEY, logs_key_arn=LOGS_KEY
    )


@pytest.fixture(scope="module")
def audit(play: Play, arguments: AuditTrailArgs) -> Recording:
    return play(lambda: AuditTrail("audit", arguments))


@pytest.fixture(scope="module")
def whole(play: Play, arguments: AuditTrailArgs, production: Placement) -> Recording:
    """In production, under a compliance lock."""
    settings = replace(SETTINGS, bucket_lock="compliance")
    return play(lambda: AuditTrail("audit", replace(arguments, placement=production, settings=settings)))


@pytest.fixture(scope="module")
def adopting(play: Play, arguments: AuditTrailArgs) -> Recording:
    return play(lambda: AuditTrail("audit", replace(arguments, settings=all_set_to("adopt"))))


@pytest.fixture(scope="module")
def without(play: Play, arguments: AuditTrailArgs) -> Recording:
    return play(lambda: AuditTrail("audit", replace(arguments, settings=all_set_to("off"))))


def all_set_to(choice: Literal["adopt", "off"]) -> AuditSettings:
    """Settings of a stack that makes nothing that the account has once."""
    return replace(
        SETTINGS,
        trail=choice,
        config=choice,
        guardduty=choice,
        security_hub=choice,
        inspector=choice,
        account_baseline=choice,
    )


def bucket(recording: Recording, name: str) -> Resource:
    return recording.named(name, "aws:s3/bucket:Bucket")


def statements(document: str) -> dict[str, Mapping[str, Any]]:
    return {statement["Sid"]: statement for statement in json.loads(document)["Statement"]}


def topic(recording: Recording) -> Resource:
    return recording.named("audit-alarms", "aws:sns/topic:Topic")


def trail(recording: Recording) -> Resource:
    return recording.named("audit-trail", "aws:cloudtrail/trail:Trail")


# ---- CloudTrail -----------------------------------------------------------------------------------------------------


def test_trail_covers_all_regions_signed_and_encrypted_with_the_audit_key(audit: Recording) -> None:
    inputs = trail(audit).inputs
    assert inputs["isMultiRegionTrail"] is True
    assert inputs["includeGlobalServiceEvents"] is True
    assert inputs["enableLogFileValidation"] is True
    assert inputs["kmsKeyId"] == AUDIT_KEY


def test_trail_has_the_name_that_the_audit_keys_policy_lets_in(audit: Recording, placement: Placement) -> None:
    policy = statements(json.dumps(key_policy(placement, "audit", USES["audit"][1])))
    allowed = policy["Trail"]["Condition"]["StringEquals"]["aws:SourceArn"]
    assert allowed == f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{trail(audit).inputs['name']}"


def test_trail_records_management_and_every_access_to_objects(audit: Recording) -> None:
    selected = [
        {field["field"]: field["equals"] for field in selector["fieldSelectors"]}
        for selector in trail(audit).inputs["advancedEventSelectors"]
    ]
    assert selected == [
        {"eventCategory": ["Management"]},
        {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]},
    ]


def test_trail_is_searchable_in_its_own_log_group(audit: Recording) -> None:
    group = audit.named("audit-trail-log-group")
    assert trail(audit).inputs["cloudWatchLogsGroupArn"] == f"{group.outputs['arn']}:*"


def test_trail_starts_when_bucket_and_role_let_it_write(audit: Recording) -> None:
    needed = set(trail(audit).dependencies)
    assert audit.named(f"{TRAIL}-policy").urn in needed
    assert audit.named("audit-trail-role-permissions-attachment").urn in needed


def test_only_this_trail_writes_to_its_bucket(audit: Recording) -> None:
    policy = statements(audit.named(f"{TRAIL}-policy").inputs["policy"])
    allowed = {sid: statement for sid, statement in policy.items() if statement["Effect"] == "Allow"}
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/softpos-test"
    for statement in allowed.values():
        assert statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:SourceArn"] == arn
    assert allowed["TrailWrites"]["Resource"].endswith(f"/AWSLogs/{ACCOUNT}/*")


@pytest.mark.parametrize("lock", ["governance", "compliance"])
def test_trails_bucket_is_locked_for_the_whole_retention(audit: Recording, whole: Recording, lock: str) -> None:
    recording = {"governance": audit, "compliance": whole}[lock]
    assert bucket(recording, TRAIL).inputs["objectLockEnabled"] is True
    retention = recording.named(f"{TRAIL}-lock").inputs["rule"]["defaultRetention"]
    assert (retention["mode"], retention["days"]) == (lock.upper(), 400)


# ---- Buckets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_is_private(audit: Recording, name: str) -> None:
    block = audit.named(f"{name}-public-access-block").inputs
    assert [block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls")] == [True] * 3
    assert block["restrictPublicBuckets"] is True
    assert audit.named(f"{name}-ownership").inputs["rule"]["objectOwnership"] == "BucketOwnerEnforced"


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_refuses_whatever_comes_without_tls(audit: Recording, name: str) -> None:
    refusal = statements(audit.named(f"{name}-policy").inputs["policy"])["RefuseWithoutTls"]
    assert (refusal["Effect"], refusal["Principal"], refusal["Action"]) == ("Deny", "*", "s3:*")
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    arn = f"arn:aws:s3:::{bucket(audit, name).inputs['bucket']}"
    assert refusal["Resource"] == [arn, f"{arn}/*"]


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_keeps_versions_until_the_retention_ends(audit: Recording, name: str) -> None:
    assert audit.named(f"{name}-versioning").inputs["versioningConfiguration"]["status"] == "Enabled"
    (rule,) = audit.named(f"{name}-lifecycle").inputs["rules"]
    assert (rule["status"], rule["expiration"]["days"]) == ("Enabled", 400)
    assert rule["transitions"][0]["days"] >= 90, "three months at hand (PCI DSS 10.5.1)"


@pytest.mark.parametrize(
    ("name", "algorithm", "key"),
    [(TRAIL, "aws:kms", AUDIT_KEY), (CONFIG, "aws:kms", AUDIT_KEY), (ACCESS, "AES256", None)],
)
def test_bucket_is_encrypted(audit: Recording, name: str, algorithm: str, key: str | None) -> None:
    (rule,) = audit.named(f"{name}-encryption").inputs["rules"]
    default = rule["applyServerSideEncryptionByDefault"]
    assert (default["sseAlgorithm"], default.get("kmsMasterKeyId")) == (algorithm, key)


def test_every_access_to_evidence_is_logged_elsewhere(audit: Recording) -> None:
    target = bucket(audit, ACCESS).inputs["bucket"]
    logged = {
        log.inputs["bucket"]: log.inputs["targetBucket"] for log in audit.of("aws:s3/bucketLogging:BucketLogging")
    }
    assert logged == {bucket(audit, name).inputs["bucket"]: target for name in (TRAIL, CONFIG)}


def test_access_logs_come_from_load_balancers_and_buckets_of_this_account_only(audit: Recording) -> None:
    policy = statements(audit.named(f"{ACCESS}-policy").inputs["policy"])
    assert policy["LoadBalancersLog"]["Resource"].endswith(f"/load-balancer/AWSLogs/{ACCOUNT}/*")
    assert policy["BucketsLog"]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_buckets_that_services_cannot_lock_have_no_lock(audit: Recording) -> None:
    assert [bucket(audit, name).inputs["objectLockEnabled"] for name in (CONFIG, ACCESS)] == [False, False]


@pytest.mark.parametrize("name", BUCKETS)
def test_passing_environment_takes_its_buckets_with_it(audit: Recording, name: str) -> None:
    assert bucket(audit, name).inputs["forceDestroy"] is True
    assert not bucket(audit, name).retain_on_delete


@pytest.mark.parametrize("name", BUCKETS)
def test_production_keeps_its_evidence(whole: Recording, name: str) -> None:
    kept = bucket(whole, name)
    assert (kept.protect, kept.retain_on_delete, kept.inputs["forceDestroy"]) == (True, True, False)
    refusal = statements(whole.named(f"{name}-policy").inputs["policy"])["RefuseDeletion"]
    assert (refusal["Effect"], refusal["Principal"], refusal["Action"]) == ("Deny", "*", "s3:DeleteObjectVersion")


# ---- Alarms ---------------------------------------------------------------------------------------------------------


def test_alarm_topic_is_encrypted_and_everybody_named_is_told(audit: Recording) -> None:
    assert topic(audit).inputs["kmsMasterKeyId"] == LOGS_KEY
    told = {s.inputs["endpoint"] for s in audit.of("aws:sns/topicSubscription:TopicSubscription")}
    assert told == set(SETTINGS.alarm_emails)


def test_alarm_topic_waits_for_nothing(audit: Recording) -> None:
    assert topic(audit).dependencies == ()


def test_findings_get_through_the_topics_policy_and_its_key(audit: Recording, placement: Placement) -> None:
    """EventBridge sends its rule's ARN to SNS and nothing of itself to KMS; a source account would shut it out."""
    arn = topic(audit).outputs["arn"]
    publish = statements(audit.named("audit-alarms-policy").inputs["policy"])["FindingsTell"]
    assert publish["Condition"] == {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"}}
    encrypt = statements(json.dumps(key_policy(placement, "logs", USES["logs"][1])))["Events"]
    assert encrypt["Condition"] == {"ArnEquals": {"kms:EncryptionContext:aws:sns:topicArn": arn}}


def test_only_aws_services_of_this_account_publish_and_only_over_tls(audit: Recording) -> None:
    policy = statements(audit.named("audit-alarms-policy").inputs["policy"])
    assert policy["ServicesTell"]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert all(name.endswith(".amazonaws.com") for name in policy["ServicesTell"]["Principal"]["Service"])
    assert policy["RefuseWithoutTls"]["Effect"] == "Deny"
    assert policy["RefuseWithoutTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("subject", WATCHED)
def test_watched_event_rings(audit: Recording, subject: str) -> None:
    counted = audit.named(f"audit-{subject}-filter").inputs
    alarm = audit.named(f"audit-{subject}").inputs
    assert counted["logGroupName"] == audit.named("audit-trail-log-group").inputs["name"]
    transformation = counted["metricTransformation"]
    assert (alarm["namespace"], alarm["metricName"]) == (transformation["namespace"], transformation["name"])
    assert alarm["alarmActions"] == [topic(audit).outputs["arn"]]


def test_patterns_fit_cloudwatch_and_their_parentheses_close() -> None:
    for subject, watch in WATCHED.items():
        assert len(watch.pattern) <= 1024, subject
        assert watch.pattern.count("(") == watch.pattern.count(")"), subject
        assert (watch.pattern[0], watch.pattern[-1]) == ("{", "}"), subject


# ---- What the account has once --------------------------------------------------------------------------------------

ONCE = {
    "trail": "aws:cloudtrail/trail:Trail",
    "config": "aws:cfg/recorder:Recorder",
    "guardduty": "aws:guardduty/detector:Detector",
    "security_hub": "aws:securityhub/account:Account",
    "inspector": "aws:inspector2/enabler:Enabler",
    "account_baseline": "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
}
ADDED = {
    "config": "aws:cfg/conformancePack:ConformancePack",
    "guardduty": "aws:guardduty/detectorFeature:DetectorFeature",
    "security_hub": "aws:securityhub/standardsSubscription:StandardsSubscription",
}
"""What a stack adds to a service that it adopts."""


@pytest.mark.parametrize("setting", ONCE)
def test_service_of_the_account_is_made_once_and_otherwise_adopted_or_left_out(
    audit: Recording, adopting: Recording, without: Recording, setting: str
) -> None:
    assert [len(found.of(ONCE[setting])) for found in (audit, adopting, without)] == [1, 0, 0]
    if added := ADDED.get(setting):
        count = len(audit.of(added))
        assert count > 0
        assert [len(found.of(added)) for found in (adopting, without)] == [count, 0]


def test_adopted_detector_is_looked_up(adopting: Recording) -> None:
    detectors = {f.inputs["detectorId"] for f in adopting.of("aws:guardduty/detectorFeature:DetectorFeature")}
    assert detectors == {"0123456789abcdef0123456789abcdef"}


def test_stack_that_leaves_all_of_it_out_still_has_its_alarm_topic(without: Recording) -> None:
    assert without.of("aws:sns/topic:Topic")
    for type_ in (
        *ONCE.values(),
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        "aws:cloudwatch/eventRule:EventRule",
    ):
        assert not without.of(type_), type_


def test_what_was_switched_on_for_the_account_stays_when_the_stack_goes(audit: Recording) -> None:
    for setting, type_ in ONCE.items():
        if setting not in ("trail", "config"):
            assert [found.retain_on_delete for found in audit.of(type_)] == [True], setting
    account = [found for found in audit.resources if found.name.startswith("audit-account-")]
    assert len(account) >= 10
    assert all(found.retain_on_delete for found in account)


def test_config_goes_on_in_production_and_ends_with_the_bucket_of_a_passing_environment(
    audit: Recording, whole: Recording
) -> None:
    for type_ in (ONCE["config"], "aws:cfg/deliveryChannel:DeliveryChannel", "aws:cfg/recorderStatus:RecorderStatus"):
        assert [found.retain_on_delete for found in audit.of(type_)] == [False]
        assert [found.retain_on_delete for found in whole.of(type_)] == [True]


# ---- Config, detection, baseline ------------------------------------------------------------------------------------


def test_config_records_everything_and_delivers_encrypted(audit: Recording) -> None:
    group = audit.named("audit-config-recorder").inputs["recordingGroup"]
    assert (group["allSupported"], group["includeGlobalResourceTypes"]) == (True, True)
    channel = audit.named("audit-config-channel").inputs
    assert (channel["s3BucketName"], channel["s3KmsKeyArn"]) == (bucket(audit, CONFIG).inputs["bucket"], AUDIT_KEY)


def test_config_starts_in_the_order_that_aws_accepts(audit: Recording) -> None:
    chain = [
        f"{CONFIG}-policy",
        "audit-config-channel",
        "audit-config-recording",
        "audit-config-pci-dss-regional",
    ]
    for earlier, later in pairwise(chain):
        assert audit.named(earlier).urn in audit.named(later).dependencies
    assert audit.named("audit-config-recorder").urn in audit.named("audit-config-channel").dependencies


def test_nothing_waits_for_config_or_security_hub(audit: Recording) -> None:
    slow = {found.urn for found in audit.resources if found.type.startswith(("aws:cfg/", "aws:securityhub/"))}
    others = [found for found in audit.resources if found.urn not in slow]
    assert not [found.name for found in others if slow & set(found.dependencies)]


def test_security_hub_judges_by_pci_dss_v4_0_1(audit: Recording) -> None:
    (subscription,) = audit.of("aws:securityhub/standardsSubscription:StandardsSubscription")
    assert subscription.inputs["standardsArn"] == f"arn:aws:securityhub:{REGION}::standards/pci-dss/v/4.0.1"
    assert audit.named("audit-detection-security-hub").urn in subscription.dependencies


def test_guardduty_protects_what_the_platform_uses(audit: Recording) -> None:
    features = {f.inputs["name"]: f.inputs for f in audit.of("aws:guardduty/detectorFeature:DetectorFeature")}
    assert set(features) == set(GUARDDUTY_FEATURES)
    assert {"S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "RDS_LOGIN_EVENTS", "RUNTIME_MONITORING"} <= set(features)
    assert {feature["status"] for feature in features.values()} == {"ENABLED"}
    managed = {part["name"] for part in features["RUNTIME_MONITORING"]["additionalConfigurations"]}
    assert "EKS_ADDON_MANAGEMENT" in managed, "GuardDuty.7 asks for the agent on EKS nodes"


@pytest.mark.parametrize("kind", FINDINGS)
def test_finding_is_told_to_the_topic(audit: Recording, kind: str) -> None:
    rule = audit.named(f"audit-detection-{kind}-findings")
    target = audit.named(f"audit-detection-{kind}-findings-topic").inputs
    assert (target["rule"], target["arn"]) == (rule.outputs["name"], topic(audit).outputs["arn"])
    assert "roleArn" not in target, "SNS is reached by its own policy; a role would break delivery to encrypted topics"
    assert json.loads(rule.inputs["eventPattern"])["source"][0].startswith("aws.")


def test_account_encrypts_disks_and_asks_for_imdsv2_by_default(audit: Recording) -> None:
    assert audit.named("audit-account-disk-encryption").inputs["enabled"] is True
    assert audit.named("audit-account-instance-metadata").inputs["httpTokens"] == "required"


def test_passwords_meet_pci_dss(audit: Recording) -> None:
    policy = audit.named("audit-account-passwords").inputs
    assert policy["minimumPasswordLength"] >= 12
    assert policy["maxPasswordAge"] <= 90
    assert policy["passwordReusePrevention"] >= 4
    assert [policy[f"require{kind}"] for kind in ("Numbers", "LowercaseCharacters", "UppercaseCharacters")] == [
        True
    ] * 3


def test_support_role_needs_a_second_factor(audit: Recording) -> None:
    (statement,) = json.loads(audit.named("audit-account-support-role").inputs["assumeRolePolicy"])["Statement"]
    assert statement["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_inspector_scans_code_where_the_region_offers_it() -> None:
    assert inspected("eu-central-1") == ["EC2", "ECR", "LAMBDA", "LAMBDA_CODE"]
    assert inspected("eu-south-1") == ["EC2", "ECR", "LAMBDA"]
