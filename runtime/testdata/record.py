# Records how PyTorch trains two small nets, for the tests of this package:
#   python record.py > recorded.json    (PyTorch 2.15 made the one here)
# Numbers depend on the machine in their last digits only.
import json

import torch
import torch.nn.functional as F

STEPS, BATCH, SAMPLES, CLASSES = 100, 8, 24, 4

torch.manual_seed(3)
torch.set_num_threads(1)


def rounded(t):
    return torch.tensor([float(f"{v:.4f}") for v in t.flatten().tolist()]).reshape(t.shape)


def weights(**shapes):
    return {name: rounded(torch.randn(shape) / max(1, torch.Size(shape[1:]).numel()) ** 0.5) for name, shape in shapes.items()}


def mlp(x, p, _):
    h = torch.tanh(F.linear(x, p["w1"], p["b1"]))
    h = h + F.relu(h @ p["w2"] + p["b2"])
    return F.linear(F.gelu(h), p["w3"], p["b3"])


def cnn(x, p, s):
    def norm(x, k):
        with torch.no_grad():  # the variance as ONNX has it, over n and not n - 1
            s["mean" + k].lerp_(x.mean((0, 2, 3)), 0.1)
            s["var" + k].lerp_(x.var((0, 2, 3), unbiased=False), 0.1)
        return F.batch_norm(x, None, None, p["scale" + k], p["shift" + k], training=True)
    h = F.max_pool2d(F.relu(norm(F.conv2d(x, p["c1"], padding=1), "1")), 2)
    h = F.relu(norm(F.conv2d(h, p["c2"], padding=1), "2"))
    return F.linear(h.mean((2, 3)), p["w"], p["b"])


def ones(*names):
    return {n: torch.ones(c) for n, c in names}


def zeros(*names):
    return {n: torch.zeros(c) for n, c in names}


NETS = {
    "mlp": (mlp, (6,), weights(w1=(10, 6), b1=(10,), w2=(10, 10), b2=(10,), w3=(CLASSES, 10), b3=(CLASSES,)), {}),
    "cnn": (cnn, (1, 8, 8), {
        **weights(c1=(4, 1, 3, 3), c2=(6, 4, 3, 3), w=(CLASSES, 6), b=(CLASSES,)),
        **ones(("scale1", 4), ("scale2", 6)), **zeros(("shift1", 4), ("shift2", 6)),
    }, {**zeros(("mean1", 4), ("mean2", 6)), **ones(("var1", 4), ("var2", 6))}),
}
RULES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
}


def digits(t):
    return [float(f"{v:.8g}") for v in t.flatten().tolist()]


def all_digits(tensors):
    return {name: digits(t) for name, t in tensors.items()}


def train(net, start, statistics, x, y, rule):
    params = {n: t.clone().requires_grad_() for n, t in start.items()}
    statistics = {n: t.clone() for n, t in statistics.items()}
    opt, losses = RULES[rule](params.values()), []
    for step in range(STEPS):
        at = step * BATCH % SAMPLES
        loss = F.cross_entropy(net(x[at:at + BATCH], params, statistics), y[at:at + BATCH])
        losses.append(float(f"{loss.item():.8g}"))
        opt.zero_grad()
        loss.backward()
        opt.step()
    return {"losses": losses, "end": all_digits({**{n: t.detach() for n, t in params.items()}, **statistics})}


lines = []
for name, (net, shape, start, statistics) in NETS.items():
    x, y = rounded(torch.randn(SAMPLES, *shape)), torch.randint(CLASSES, (SAMPLES,))
    runs = ",\n".join(f'"{r}":' + json.dumps(train(net, start, statistics, x, y, r)) for r in RULES)
    lines.append(f'"{name}":{{"inputs":{json.dumps(digits(x))},"class":{json.dumps(y.tolist())},'
                 f'"start":{json.dumps(all_digits({**start, **statistics}))},\n"runs":{{{runs}}}}}')
print(("{" + ",\n".join(lines) + "}").replace(", ", ",").replace(": ", ":"))
