"""The promise of the case study, forecast: done to deployed in 20 minutes, an environment in 15, a new image in 4."""

from operations.pipeline.figures import STEPS, PipelineFigure, figures, new_image, node_count
from tests.bootstrap.test_permissions import ENVIRONMENT, recorded


def found() -> dict[str, PipelineFigure]:
    return {one.name: one for one in figures(recorded("dev"), recorded("prod"), recorded(ENVIRONMENT))}


def test_every_figure_with_a_target_meets_it() -> None:
    missed = {name: one.minutes for name, one in found().items() if one.target and one.minutes > limit(one)}
    assert missed == {}


def limit(figure: PipelineFigure) -> float:
    return float(figure.target.removeprefix("<= "))


def test_a_typical_change_is_far_quicker_than_everything() -> None:
    shown = found()
    for stack in ("dev", "prod"):
        image, nodes, zero = (
            shown[f"merge to {stack} deployed, {what}"].minutes for what in ("new image", "node count", "from zero")
        )
        assert image < nodes < zero


def test_a_typical_change_is_of_the_application_and_of_the_nodes() -> None:
    assert [change.name for change in new_image(recorded("prod"))] == ["service-deployment"]
    assert [change.name for change in node_count(recorded("prod"))] == ["cluster-nodes"]


def test_each_step_of_the_pipeline_says_where_its_seconds_come_from() -> None:
    assert all(source.startswith(("measured", "estimated", "assumed")) for _, source in STEPS.values())
