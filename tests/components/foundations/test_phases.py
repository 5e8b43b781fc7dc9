from components.foundations.phases import PHASES


def test_one_side_alone_is_written_to_by_new_pods_and_the_way_there_is_open() -> None:
    assert {name for name, phase in PHASES.items() if phase.connects_to == "source"} == {
        name for name, phase in PHASES.items() if phase.moves_data
    }


def test_the_traffic_command_owns_weights_and_record_together_or_not_at_all() -> None:
    for phase in PHASES.values():
        assert (phase.weights == "traffic command") == (phase.record == "traffic command")
        assert (phase.weights == "traffic command") == phase.forwards_to_data_centre
