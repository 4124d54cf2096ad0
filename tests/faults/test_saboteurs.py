"""The tests of faults have teeth: each notices when the one line that it protects is taken away."""

from pathlib import Path

import pytest

from tests.faults.saboteurs.sabotage import Saboteur, is_caught, saboteurs

ALL = saboteurs()


@pytest.mark.parametrize("saboteur", ALL, ids=str)
def test_a_saboteur_still_knows_its_line_and_its_test(saboteur: Saboteur) -> None:
    """Code that was moved takes its saboteur with it."""
    assert saboteur.faults() == []


@pytest.mark.faults
@pytest.mark.parametrize("saboteur", ALL, ids=str)
def test_a_sabotaged_line_is_noticed(saboteur: Saboteur, tmp_path: Path) -> None:
    """The same test passes on the project as it is: the gate runs it."""
    caught, output = is_caught(saboteur, tmp_path)

    assert caught, f"{saboteur.caught_by} did not notice: {saboteur.breaks}\n{output}"
