import pulumi
import pulumi_aws as aws
import pytest

from recording.configuration import Configuration
from recording.program import ProgramError, Recording, record
from recording.stand_in_cloud import StandInCloud


def run(program: object) -> Recording:
    configuration = Configuration(project="softpos", stack="test", values={})
    return record(program, StandInCloud("eu-central-1", "123456789012"), configuration)  # type: ignore[arg-type]


def test_dependencies_come_from_outputs_options_and_provider() -> None:
    def program() -> None:
        provider = aws.Provider("aws", region="eu-central-1")
        with_provider = pulumi.ResourceOptions(provider=provider)
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=with_provider)
        subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=with_provider)
        aws.ec2.Subnet(
            "other", vpc_id="vpc-1", cidr_block="10.0.1.0/24", opts=pulumi.ResourceOptions(depends_on=subnet)
        )

    recording = run(program)
    names = {resource.urn: resource.name for resource in recording.resources}
    needs = {r.name: {names[urn] for urn in r.dependencies} for r in recording.resources}
    assert needs == {"aws": set(), "vpc": {"aws"}, "subnet": {"aws", "vpc"}, "other": {"subnet"}}


def test_order_is_by_need_and_name_and_not_by_arrival() -> None:
    def program(*names: str) -> None:
        for name in names:
            bucket = aws.s3.Bucket(f"{name}-bucket")
            aws.s3.BucketVersioning(f"{name}-a", bucket=bucket.id, versioning_configuration={"status": "Enabled"})

    orders = {
        tuple(resource.name for resource in run(lambda given=given: program(*given)).resources)
        for given in (("one", "two"), ("two", "one"))
    }
    assert orders == {("one-bucket", "two-bucket", "one-a", "two-a")}


def test_options_are_recorded() -> None:
    def program() -> None:
        options = pulumi.ResourceOptions(protect=True, retain_on_delete=True, ignore_changes=["tags"])
        aws.s3.Bucket("bucket", opts=options)

    bucket = run(program).named("bucket")
    assert (bucket.protect, bucket.retain_on_delete, bucket.ignore_changes) == (True, True, ("tags",))


def test_a_secret_is_never_in_the_recorded_inputs_but_travels_to_the_judge() -> None:
    def program() -> None:
        aws.ssm.Parameter("parameter", type="SecureString", value=pulumi.Output.secret("hunter2"))

    recorded = run(program).named("parameter")
    assert recorded.inputs["value"] == "[secret]"
    assert "hunter2" in str(recorded.wire_inputs)
    assert "hunter2" not in repr(recorded)


def test_every_apply_has_run_when_the_recording_is_handed_over() -> None:
    def program() -> None:
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        vpc.id.apply(lambda _: aws.ec2.Vpc("created-late", cidr_block="10.1.0.0/16"))

    assert run(program).named("created-late").inputs == {"cidrBlock": "10.1.0.0/16"}


def test_two_runs_invent_the_same_ids() -> None:
    def program() -> None:
        pulumi.export("id", aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16").id)

    first, second = run(program), run(program)
    assert first.outputs["id"].startswith("vpc-")
    assert first.outputs == second.outputs


def test_two_resources_of_one_type_and_name_are_refused() -> None:
    def program() -> None:
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        aws.ec2.Vpc("vpc", cidr_block="10.1.0.0/16")

    with pytest.raises(ProgramError, match="duplicate resource"):
        run(program)


def test_a_function_that_the_cloud_does_not_know_is_named() -> None:
    def program() -> None:
        aws.get_caller_identity_output().account_id.apply(lambda account: pulumi.export("account", account))

    with pytest.raises(ProgramError, match="no answer for aws:index/getCallerIdentity"):
        run(program)


def test_an_error_inside_apply_fails_the_program() -> None:
    def explode(_: str) -> str:
        raise RuntimeError("exploded late")

    def program() -> None:
        aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16").id.apply(explode)

    with pytest.raises(ProgramError, match="exploded late"):
        run(program)


def test_a_name_of_no_resource_is_an_error_not_an_empty_answer() -> None:
    with pytest.raises(LookupError, match="0 resources are named 'nothing'"):
        run(lambda: None).named("nothing")
