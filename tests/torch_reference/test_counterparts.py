"""What PyTorch is asked to compute beside npnn."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from npnn_cli import Tensor, nn, registry
from npnn_cli.optim import SGD, Adam, CosineAnnealingLR, Momentum, OneCycleLR, clip_grad_norm_, clip_grad_value_
from npnn_cli.registry import layers, losses
from npnn_cli.torch_reference.counterparts import (
    TorchMissingError,
    import_torch,
    to_torch,
    torch_function,
    torch_module,
    torch_optimizer,
    torch_scheduler,
)
from npnn_cli.torch_reference.training import TorchTraining, differentiate, differentiate_op


def small_model(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Conv2d(1, 2, (3, 2), rng=rng), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3, rng=rng)
    ).to(np.float64)


def batch():
    rng = np.random.default_rng(1)
    return rng.standard_normal((4, 1, 6, 5)), rng.integers(0, 3, 4)


def test_without_torch_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(TorchMissingError, match=r"pip install 'torch==2.13.0'") as error:
        import_torch()

    assert "\n" not in str(error.value)
    assert isinstance(error.value, ImportError)


def test_a_torch_tensor_is_a_copy():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])[::-1]
    tensor = to_torch(array, requires_grad=True)
    with torch.no_grad():
        tensor *= 2

    assert array.tolist() == [[3, 4], [1, 2]]
    assert tensor.dtype == torch.float64
    assert tensor.requires_grad


class TestModules:
    @pytest.mark.parametrize("kind", [layers, losses], ids=["layers", "losses"])
    def test_every_component_has_a_counterpart_of_its_name_dtype_and_mode(self, kind):
        for entry in kind.values():
            for example in entry.examples:
                module = entry.build(**example.options).to(np.float64).eval()
                counterpart = torch_module(module)
                assert not counterpart.training
                assert {parameter.dtype for parameter in counterpart.parameters()} <= {torch.float64}
                assert list(counterpart.state_dict()) == list(module.state_dict())

    def test_weights_are_copied_not_shared(self):
        model = small_model()
        counterpart = torch_module(model)
        with torch.no_grad():
            counterpart[0].weight.zero_()

        assert model[0].weight.data.all()

    def test_a_nested_sequential_gives_the_same_outputs(self):
        model = nn.Sequential(small_model(), nn.Sequential(nn.Tanh(), nn.Linear(3, 2).to(np.float64)))
        inputs, _ = batch()

        theirs = torch_module(model)(to_torch(inputs)).detach().numpy()
        assert np.allclose(model(inputs).data, theirs, rtol=1e-13)

    def test_dropout_drops_the_same_and_scales_as_pytorch_does(self):
        layer = nn.Dropout(0.3, rng=np.random.default_rng(0))
        counterpart, x = torch_module(layer), np.ones((50, 3))

        for _ in range(2):
            np.testing.assert_allclose(counterpart(to_torch(x)).numpy(), layer(x).data, rtol=1e-15)
        kept = counterpart(to_torch(x)).numpy().max()
        assert kept == pytest.approx(
            torch.nn.Dropout(0.3)(torch.ones(100, dtype=torch.float64)).max().item(), rel=1e-15
        )
        layer.eval()
        assert np.array_equal(torch_module(layer)(to_torch(x)).numpy(), x)

    def test_dropping_everything(self):
        assert not torch_module(nn.Dropout(1.0))(torch.ones(5)).any()

    @pytest.mark.usefixtures("throwaway")
    def test_what_pytorch_does_not_have_needs_a_reference(self):
        from npnn_cli.examples import example, normal

        @layers.register(example(normal(3)))
        class Nowhere(nn.Module):
            def forward(self, input):
                return input

        with pytest.raises(LookupError, match="nothing named Nowhere"):
            torch_module(Nowhere())


class TestFunctions:
    def test_functions_come_from_torch_nn_functional_or_torch(self):
        assert torch_function(registry.ops["relu"]) is torch.nn.functional.relu
        assert torch_function(registry.ops["matmul"]) is torch.matmul

    def test_an_output_and_its_gradients(self):
        x, index = np.array([1.0, 2.0, 3.0]), np.array([0, 2])

        output, gradient, of_integers = differentiate(lambda x, i: x[i] ** 2, [x, index], np.array([1.0, 10.0]))

        assert output.tolist() == [1, 9]
        assert gradient.tolist() == [2, 0, 60]
        assert of_integers is None

    def test_an_op_with_an_array_among_its_options(self):
        options = {"index": np.array([[1], [0]])}

        output, gradient = differentiate_op(registry.ops["getitem"], [np.eye(2)], options, np.ones((2, 1, 2)))

        assert output.tolist() == [[[0, 1]], [[1, 0]]]
        assert gradient.tolist() == [[1, 1], [1, 1]]

    def test_a_function_of_several_outputs_has_several_upstream_gradients(self):
        inputs, upstream = [np.arange(3.0)], [np.array([1.0]), np.array([2.0, 3.0])]
        options = {"split_size_or_sections": (1, 2)}

        first, second, gradient = differentiate_op(registry.functions["split"], inputs, options, *upstream)

        assert first.tolist() == [0]
        assert second.tolist() == [1, 2]
        assert gradient.tolist() == [1, 2, 3]

    def test_tensors_in_a_list(self):
        inputs = [np.array([1.0]), np.array([2.0, 3.0])]

        output, *gradients = differentiate_op(registry.functions["cat"], inputs, {}, np.array([4.0, 5.0, 6.0]))

        assert output.tolist() == [1, 2, 3]
        assert [gradient.tolist() for gradient in gradients] == [[4], [5, 6]]

    def test_an_output_of_another_shape_than_expected_has_no_gradients(self):
        output, gradient = differentiate(lambda x: x.sum(), [np.ones(3)], np.ones(3))

        assert output == 3
        assert gradient is None


class TestOptimizersAndSchedulers:
    def test_have_the_same_options(self):
        theirs = torch_optimizer(Adam([Tensor(1.0, requires_grad=True)], lr=0.5, betas=(0.8, 0.7)), [torch.zeros(1)])

        assert type(theirs) is torch.optim.Adam
        assert theirs.param_groups[0]["lr"] == 0.5
        assert theirs.param_groups[0]["betas"] == (0.8, 0.7)

    def test_one_that_pytorch_knows_under_another_name(self):
        theirs = torch_optimizer(Momentum([Tensor(1.0, requires_grad=True)]), [torch.zeros(1)])

        assert type(theirs) is torch.optim.SGD
        assert theirs.param_groups[0]["momentum"] == 0.9

    def test_a_scheduler_sets_the_rate_of_the_torch_optimizer(self):
        ours = SGD([Tensor(1.0, requires_grad=True)], lr=1.0)
        theirs = torch_optimizer(ours, [torch.zeros(1, requires_grad=True)])
        scheduler = torch_scheduler(CosineAnnealingLR(ours, T_max=2), theirs)

        theirs.step()
        scheduler.step()

        assert theirs.param_groups[0]["lr"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("clipping", "clip"),
    [
        ({}, lambda parameters: None),
        ({"clip_grad_norm": 0.1}, lambda parameters: clip_grad_norm_(parameters, 0.1)),
        ({"clip_grad_value": 0.01}, lambda parameters: clip_grad_value_(parameters, 0.01)),
    ],
    ids=["", "by norm", "by value"],
)
def test_a_whole_training_goes_in_lockstep(clipping, clip):
    model, loss = small_model(), nn.CrossEntropyLoss(label_smoothing=0.1)
    inputs, targets = batch()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = OneCycleLR(optimizer, max_lr=0.2, total_steps=8)
    reference = TorchTraining(model, loss, optimizer, scheduler, **clipping)

    for _ in range(8):
        optimizer.zero_grad()
        outputs = model(inputs)
        value = loss(outputs, targets)
        value.backward()
        their_outputs, their_value = reference.backward(inputs, targets)
        theirs = reference.gradients()
        np.testing.assert_allclose(their_outputs, outputs.data, atol=1e-12)
        assert their_value == pytest.approx(value.item(), abs=1e-12)
        for name, parameter in model.named_parameters():
            np.testing.assert_allclose(theirs[name], parameter.grad, atol=1e-12)
        clip(model.parameters())
        optimizer.step()
        scheduler.step()
        reference.step()

    weights = reference.weights()
    assert list(weights) == list(model.state_dict())
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(weights[name], parameter.data, atol=1e-12)


def test_a_loss_can_be_scaled_and_gradients_computed_without_an_optimizer():
    model, loss = small_model(), nn.CrossEntropyLoss()
    reference = TorchTraining(model, loss)

    _, value = reference.backward(*batch())
    gradient = reference.gradients()["0.weight"]
    _, scaled_value = reference.backward(*batch(), scale=0.5)
    reference.step()

    assert scaled_value == pytest.approx(value / 2)
    np.testing.assert_allclose(reference.gradients()["0.weight"], gradient / 2)
    assert np.array_equal(reference.weights()["0.weight"], model[0].weight.data)
