"""The package offers a sorted list of names, each of which exists."""

import vospace_model
import vospace_model.xml


def test_public_names_are_sorted_unique_and_exist() -> None:
    for module in (vospace_model, vospace_model.xml):
        names = module.__all__

        assert len(set(names)) == len(names)
        assert all(hasattr(module, name) for name in names)


def test_every_fault_is_public() -> None:
    assert set(vospace_model.FAULTS_BY_NAME) <= set(vospace_model.__all__)
