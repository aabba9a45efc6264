# Records PyTorch's losses and their gradients, for the tests of this package:
#   python record.py > recorded.json    (PyTorch 2.15 made the one here)
import json

import torch
import torch.nn.functional as F

torch.manual_seed(2)
SHAPES = [(1, 3), (5, 7), (3, 1), (2, 4, 3, 2)]


def rounded(t):
    return torch.tensor([float(f"{v:.4f}") for v in t.flatten().tolist()]).reshape(t.shape)


def cases():
    for shape in SHAPES:
        x, other = rounded(3 * torch.randn(shape)), rounded(3 * torch.randn(shape))
        share = rounded(torch.softmax(torch.randn(shape), 1))
        unit = rounded(torch.rand(shape))
        index = torch.randint(shape[1], (shape[0], *shape[2:]))
        for s in (0, 0.1, 1):
            yield "CrossEntropy", {"Smoothing": s}, x, index
            yield "CrossEntropy", {"Smoothing": s}, x, share
        for t in (1, 0.5, 4):
            yield "Distill", {"Temperature": t}, x, other
        yield "MSE", {}, x, other
        yield "L1", {}, x, other
        yield "BCE", {}, x, unit
    far = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 9999.0]])
    near = torch.tensor([[0.5, 1e4, -1e4], [1.0, 0.0, -1e4], [3.0, 2.0, 1.0]])
    for index in (0, 1):
        yield "CrossEntropy", {}, far, torch.full((3,), index)
    yield "CrossEntropy", {"Smoothing": 0.5}, far, torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0.5, 0.5]])
    yield "Distill", {"Temperature": 2}, far, near
    yield "Distill", {"Temperature": 2}, near, far
    yield "MSE", {}, far, near
    yield "L1", {}, far, near
    yield "BCE", {}, far, torch.tensor([[0, 1, 1], [1, 0, 0.5], [0, 1, 0.25]])
    yield "BCE", {}, torch.tensor([[0.0, 88.0, -88.0, 100.0]]), torch.tensor([[0, 1, 0, 0.5]])


def loss_of(kind, pred, target, o):
    if kind == "CrossEntropy":
        return F.cross_entropy(pred, target, label_smoothing=o.get("Smoothing", 0))
    if kind == "Distill":
        t = o["Temperature"]
        return F.kl_div(F.log_softmax(pred / t, 1), F.softmax(target / t, 1), reduction="batchmean") * t * t
    return {"MSE": F.mse_loss, "L1": F.l1_loss, "BCE": F.binary_cross_entropy_with_logits}[kind](pred, target)


def digits(t, n=7):
    return [float(f"{v:.{n}g}") if t.is_floating_point() else v for v in t.flatten().tolist()]


lines = []
for kind, options, x, target in cases():
    x = x.double().requires_grad_()
    loss = loss_of(kind, x, target.double() if target.is_floating_point() else target, options)
    loss.backward()
    lines.append(json.dumps({
        "kind": kind, "options": options, "shape": x.shape, "pred": digits(x),
        "share" if target.is_floating_point() else "class": digits(target),
        "value": digits(loss, 9)[0], "grad": digits(x.grad)}, separators=(",", ":")))
print("[" + ",\n".join(lines) + "]")
