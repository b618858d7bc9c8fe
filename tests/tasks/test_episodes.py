import torch

from neuraltape.tasks.episodes import count_before, draw_order


def test_every_class_comes_equally_often_in_an_order_of_its_own(generator):
    order = draw_order(torch.tensor([3, 5, 2]), 4, generator)
    assert order.lengths.tolist() == [12, 20, 8]
    for column, classes in enumerate((3, 5, 2)):
        labels = order.labels[: classes * 4, column]
        assert labels.bincount().tolist() == [4] * classes
        assert not order.inside[classes * 4 :, column].any()
        assert order.inside[: classes * 4, column].all()
    again = draw_order(torch.tensor([3, 5, 2]), 4, generator)
    assert not torch.equal(again.labels, order.labels)


def test_presentations_count_what_came_before(generator):
    order = draw_order(torch.tensor([3, 2]), 5, generator)
    for column in range(2):
        seen = [0, 0, 0]
        for t in range(int(order.lengths[column])):
            label = int(order.labels[t, column])
            assert order.presentations[t, column] == seen[label]
            seen[label] += 1


def test_what_is_not_inside_does_not_count():
    labels, inside = torch.tensor([[0], [0], [0]]), torch.tensor([[True], [False], [True]])
    assert count_before(labels, inside).squeeze().tolist() == [0, 0, 1]
