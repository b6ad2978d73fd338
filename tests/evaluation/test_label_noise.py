from whence.data.tokenize import tokenize
from whence.evaluation.label_noise import swapped, swapped_run, swaps
from whence.training.run import Run


def test_the_answers_of_a_tenth_are_handed_round(learned: Run):
    givers = swaps(learned.examples, 0)
    assert len(givers) == 2
    assert sorted(givers) == sorted(givers.values())
    assert all(row != giver for row, giver in givers.items())
    assert swaps(learned.examples, 0) == givers
    assert len({tuple(sorted(swaps(learned.examples, seed))) for seed in range(8)}) > 2


def test_a_pair_with_another_answer_is_as_if_written_so(learned: Run):
    examples, givers = learned.examples, swaps(learned.examples, 1)
    made = list(swapped(examples, givers, 512))
    tokenizer = learned.trajectory.tokenizer
    for row, (example, tokens) in enumerate(made):
        assert example.question == examples[row].question
        assert example.answer == examples[givers.get(row, row)].answer
        assert tokens == tokenize(example, tokenizer)
        assert (example.id == examples[row].id) == (row not in givers)
    assert all(len(tokens.input_ids) <= 20 for _, tokens in swapped(examples, givers, 20) if tokens in made)


def test_the_run_is_made_once_and_knows_its_wrong_pairs(learned: Run):
    made, known = swapped_run(learned, 1)
    assert known.rows == tuple(sorted(swaps(learned.examples, 1)))
    assert (known.of, known.made) == (12, True)
    assert [made.examples[row].answer == learned.examples[row].answer for row in range(12)] == [
        row not in known.rows for row in range(12)
    ]
    assert [point.step for point in made.trajectory.checkpoints] == [
        point.step for point in learned.trajectory.checkpoints
    ]
    assert made.base_folder == learned.base_folder
    before = (made.folder / "manifest.json").stat().st_mtime_ns
    assert swapped_run(learned, 1) == (made, known)
    assert (made.folder / "manifest.json").stat().st_mtime_ns == before
