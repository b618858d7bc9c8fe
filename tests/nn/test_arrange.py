import torch

from neuraltape.nn.arrange import must_look


def test_values_on_another_device_are_looked_at_where_it_can_not_stop_at_wrong_ones(monkeypatch):
    wrong = torch.zeros(3, dtype=torch.bool)
    asked = []
    monkeypatch.setattr(torch, "_assert_async", lambda *given: asked.append(given))
    assert must_look(wrong, "so")
    assert asked == []
    assert not must_look(wrong.to("meta"), "so")
    assert [said for _, said in asked] == ["so"]

    def lacking(*_):
        raise NotImplementedError("Could not run 'aten::_assert_async.msg'")

    monkeypatch.setattr(torch, "_assert_async", lacking)
    assert must_look(wrong.to("meta"), "so")
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not must_look(wrong, "so")
