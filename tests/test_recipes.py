import pytest
from training_material import TINY

from separation.separator import SeparatorError
from separation.training.recipes import recipe


def test_a_recipe_is_made_by_name_with_its_settings() -> None:
    made = recipe("harmonic", items=2, channels=8, mask_every=5, measures=TINY)
    assert made.name == "harmonic"
    assert made.learning_rate > 0


def test_an_unknown_name_or_setting_is_a_sentence() -> None:
    with pytest.raises(SeparatorError, match=r"no recipe to train “kazoo”; there are harmonic, "):
        recipe("kazoo")
    with pytest.raises(SeparatorError, match="colour"):
        recipe("harmonic", colour="red")
