import numpy as np
import pytest

from whence.auditing.omissions import Omission, OmissionBuilder, group_omissions, pair_omissions
from whence.levels.groups import RowGroup
from whence.types import Example, Message, Tokens

SCORES = np.arange(12.0) ** 2
OMITTING = OmissionBuilder(SCORES, (3, 4, 5), 1)


class Twelve:
    """Twelve pairs on lines of their own."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int, /) -> Example:
        return Example(f"id {index}", "f", "faq.jsonl", index + 1, 0, (Message("assistant", "A"),))

    def tokens(self, index: int) -> Tokens:
        raise AssertionError("no tokens are needed")


def test_a_pair_goes_with_its_copies_and_all_of_them_together():
    (one, other, together, control), notes = pair_omissions(OMITTING, Twelve(), [[4, 9], [2]])
    assert (one.name, one.rows) == ("pair faq.jsonl:5 and 1 copy", ((4, 9),) * 3)
    assert (other.name, other.rows) == ("pair faq.jsonl:3", ((2,),) * 3)
    assert (together.name, together.rows) == ("all 2 of these pairs", ((2, 4, 9),) * 3)
    assert [o.predicted for o in (one, other, together)] == [16 + 81, 4, 4 + 16 + 81]
    assert {o.control for o in (one, other, together)} == {control.name} == {"3 random pairs"}
    assert (control.control, notes) == (None, [])


def test_a_control_is_as_many_other_pairs_drawn_anew_for_each_seed():
    *_, control = pair_omissions(OMITTING, Twelve(), [[4, 9], [2]])[0]
    assert all(len(set(rows)) == 3 and not {2, 4, 9} & set(rows) for rows in control.rows)
    assert len(set(control.rows)) > 1
    assert pair_omissions(OMITTING, Twelve(), [[4, 9], [2]])[0][-1] == control
    assert control.predicted == pytest.approx(np.mean([sum(SCORES[i] for i in rows) for rows in control.rows]))


def test_the_retrainings_keep_everything_else_each_under_its_seed():
    (pair, control), _ = pair_omissions(OMITTING, Twelve(), [[4, 9]])
    for omission in (pair, control):
        subsets = omission.subsets(12, OMITTING.seeds)
        assert [subset.seed for subset in subsets] == [3, 4, 5]
        assert [tuple(subset.without(12)) for subset in subsets] == list(omission.rows)


def test_of_pairs_that_are_nearly_all_there_is_no_control():
    (pair,), (note,) = pair_omissions(OMITTING, Twelve(), [list(range(8))])
    assert pair.control is None
    assert note == "There is no random control: only 4 pairs remain besides the 8 left out."


def test_a_group_has_a_control_outside_it_and_one_that_is_too_large_is_told_of():
    groups = [RowGroup("topic", "lamps", np.array([1, 2, 3])), RowGroup("file", "Faq.jsonl", np.arange(10))]
    (topic, control), (note,) = group_omissions(OMITTING, groups, {4, 5})
    assert (topic.kind, topic.name, topic.rows) == ("topic", "topic lamps", ((1, 2, 3),) * 3)
    assert topic.control == control.name == "3 random pairs outside topic lamps"
    assert all(not {1, 2, 3, 4, 5} & set(rows) for rows in control.rows)
    assert note.startswith("File Faq.jsonl was not left out: it holds 10 of 12 pairs")


def test_json_gives_an_omission_back():
    omission = Omission("pair", "pair a:1", ((1, 2), (1, 2)), 3.5, "1 random pair")
    as_json = {
        "kind": "pair",
        "name": "pair a:1",
        "rows": [[1, 2], [1, 2]],
        "predicted": 3.5,
        "control": omission.control,
    }
    assert Omission.of(as_json) == omission
