"""What the installed SDKs say of a type."""

import pytest

from recording.sdk import NoSuchType, resource_type


@pytest.mark.parametrize("token", ["aws:ec2/vpc:NoVpc", "aws:nowhere/vpc:Vpc", "nobody:ec2/vpc:Vpc"])
def test_a_type_that_the_sdk_lacks_is_refused_by_its_name(token: str) -> None:
    with pytest.raises(NoSuchType, match=f"^{token}: the installed SDK has no such type; "):
        resource_type(token)
