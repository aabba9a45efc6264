# Records how PyTorch trains a small net, for the tests of this package:
#   python record.py > recorded.json    (PyTorch 2.15 made the one here)
# Numbers depend on the machine in their last digits only.
import json
import math

import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler as lrs

STEPS, BATCH, SAMPLES, INPUTS, HIDDEN, OUTPUTS = 100, 8, 24, 6, 8, 4

torch.manual_seed(1)
torch.set_num_threads(1)


def rounded(t):
    return torch.tensor([float(f"{v:.4f}") for v in t.flatten().tolist()]).reshape(t.shape)


DATA = {
    "inputs": rounded(torch.randn(SAMPLES, INPUTS)),
    "class": torch.randint(OUTPUTS, (SAMPLES,)),
    "soft": rounded(torch.softmax(2 * torch.randn(SAMPLES, OUTPUTS), 1)),
    "real": rounded(torch.randn(SAMPLES, OUTPUTS)),
    "unit": rounded(torch.rand(SAMPLES, OUTPUTS)),
    "teacher": rounded(3 * torch.randn(SAMPLES, OUTPUTS)),
}
START = [rounded(t) for t in (
    torch.randn(HIDDEN, INPUTS) / 2, torch.randn(HIDDEN) / 4,
    torch.randn(OUTPUTS, HIDDEN) / 2, torch.randn(OUTPUTS) / 4)]


def loss_of(kind, pred, target, o):
    if kind == "CrossEntropy":
        return F.cross_entropy(pred, target, label_smoothing=o.get("Smoothing", 0))
    if kind == "Distill":
        t = o["Temperature"]
        return F.kl_div(F.log_softmax(pred / t, 1), F.softmax(target / t, 1), reduction="batchmean") * t * t
    return {"MSE": F.mse_loss, "L1": F.l1_loss, "BCE": F.binary_cross_entropy_with_logits}[kind](pred, target)


def optimiser_of(o, params, free_biases):
    decay, lr = o.get("WeightDecay", 0), o["LR"]
    by_hand = o["kind"] == "SGD" and o.get("Decoupled", False)  # torch's SGD has L2 only
    groups = [{"params": [p], "weight_decay": 0 if by_hand or free_biases and p.dim() == 1 else decay} for p in params]
    if o["kind"] == "SGD":
        made = torch.optim.SGD(groups, lr=lr, momentum=o.get("Momentum", 0), nesterov=o.get("Nesterov", False))
    else:
        cls = torch.optim.AdamW if o.get("Decoupled", False) else torch.optim.Adam
        made = cls(groups, lr=lr, betas=(o["Beta1"], o["Beta2"]), eps=o["Eps"])
    return made, decay if by_hand else 0


def schedule_of(o, opt):
    kind = o["kind"]
    if kind == "Constant":
        return lrs.LambdaLR(opt, lambda _: 1)
    if kind == "Step":
        return lrs.StepLR(opt, o["Every"], o["Factor"])
    if kind == "MultiStep":
        return lrs.MultiStepLR(opt, o["Marks"], o["Factor"])
    if kind == "Cosine":
        return lrs.CosineAnnealingLR(opt, o["Steps"], o["Floor"] * opt.param_groups[0]["lr"])
    if kind == "OneCycle":
        return lrs.OneCycleLR(opt, opt.param_groups[0]["lr"], o["Steps"], pct_start=o.get("Rise", 0.3),
                              div_factor=o.get("Start", 25), final_div_factor=o.get("End", 1e4), cycle_momentum=False)
    after = schedule_of(o["Then"], opt)
    for g in opt.param_groups:
        g["lr"] = g["initial_lr"]
    return lrs.SequentialLR(opt, [lrs.LinearLR(opt, o["From"], total_iters=o["Steps"]), after], [o["Steps"]])


def train(run):
    params = [t.clone().requires_grad_() for t in START]
    opt, decay = optimiser_of(run["rule"], params, run.get("freeBiases", False))
    schedule = schedule_of(run["schedule"], opt)
    losses = []
    for step in range(STEPS):
        at = step * BATCH % SAMPLES
        x, y = DATA["inputs"][at:at + BATCH], DATA[run["target"]][at:at + BATCH]
        hidden = torch.tanh(F.linear(x, params[0], params[1]))
        loss = loss_of(run["loss"]["kind"], F.linear(hidden, params[2], params[3]), y, run["loss"])
        losses.append(loss.item())
        opt.zero_grad()
        loss.backward()
        if "clipNorm" in run:
            torch.nn.utils.clip_grad_norm_(params, run["clipNorm"])
        if "clipValue" in run:
            torch.nn.utils.clip_grad_value_(params, run["clipValue"])
        with torch.no_grad():
            for p in params:
                p.mul_(1 - opt.param_groups[0]["lr"] * decay)
        opt.step()
        schedule.step()
    return losses, [p.detach() for p in params]


SGD = {"kind": "SGD", "LR": 0.05, "Momentum": 0.9}
ADAM = {"kind": "Adam", "LR": 0.01, "Beta1": 0.9, "Beta2": 0.999, "Eps": 1e-8}
RULES = [
    {"kind": "SGD", "LR": 0.1},
    SGD,
    {**SGD, "Nesterov": True},
    {"kind": "SGD", "LR": 0.1, "WeightDecay": 0.05},
    {**SGD, "WeightDecay": 0.01},
    {**SGD, "Nesterov": True, "WeightDecay": 0.01},
    {**SGD, "WeightDecay": 0.05, "Decoupled": True},
    ADAM,
    {**ADAM, "Beta1": 0.8, "Beta2": 0.9, "Eps": 1e-4, "WeightDecay": 0.05},
    {**ADAM, "WeightDecay": 0.5, "Decoupled": True},
]
LOSSES = [
    ("class", {"kind": "CrossEntropy"}),
    ("class", {"kind": "CrossEntropy", "Smoothing": 0.1}),
    ("soft", {"kind": "CrossEntropy"}),
    ("soft", {"kind": "CrossEntropy", "Smoothing": 0.2}),
    ("teacher", {"kind": "Distill", "Temperature": 1}),
    ("teacher", {"kind": "Distill", "Temperature": 4}),
    ("real", {"kind": "MSE"}),
    ("real", {"kind": "L1"}),
    ("unit", {"kind": "BCE"}),
]
SCHEDULES = [
    {"kind": "Step", "Every": 30, "Factor": 0.5},
    {"kind": "MultiStep", "Marks": [20, 50, 90], "Factor": 0.3},
    {"kind": "Cosine", "Steps": 100, "Floor": 0},
    {"kind": "Cosine", "Steps": 40, "Floor": 0.1},
    {"kind": "OneCycle", "Steps": 100},
    {"kind": "OneCycle", "Steps": 101, "Rise": 0.55, "Start": 10, "End": 50},
    {"kind": "Warmup", "Steps": 10, "From": 0.1, "Then": {"kind": "Cosine", "Steps": 90, "Floor": 0.02}},
    {"kind": "Warmup", "Steps": 7, "From": 0.01, "Then": {"kind": "Step", "Every": 20, "Factor": 0.5}},
    {"kind": "Warmup", "Steps": 5, "From": 0.2, "Then": {"kind": "Constant"}},
]
PLAIN = {"target": "class", "loss": LOSSES[0][1], "rule": SGD, "schedule": {"kind": "Constant"}}
RUNS = [{**PLAIN, "rule": r} for r in RULES]
RUNS += [{**PLAIN, "target": t, "loss": o, "rule": r} for t, o in LOSSES for r in (RULES[0], RULES[6], RULES[9])]
RUNS += [{**PLAIN, "schedule": s, "rule": r} for s in SCHEDULES for r in (RULES[2], RULES[9])]
RUNS += [{**PLAIN, "rule": RULES[k], "freeBiases": True} for k in (5, 8, 9)]
RUNS += [{**PLAIN, "clipNorm": 0.05}, {**PLAIN, "clipNorm": 0.3, "rule": ADAM}, {**PLAIN, "clipValue": 0.01}]


def digits(v, n):
    assert math.isfinite(v)
    return float(f"{v:.{n}g}")


def flat(t):
    return [digits(v, 7) if t.is_floating_point() else v for v in t.flatten().tolist()]


def rates(o):
    opt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    schedule, seen = schedule_of(o, opt), []
    count = o["Steps"] if o["kind"] == "OneCycle" else STEPS + 20  # OneCycleLR refuses to go on
    while len(seen) < count:
        if seen:
            opt.step()
            schedule.step()
        seen.append(digits(opt.param_groups[0]["lr"], 9))
    return seen


lines = [f'"{name}":{json.dumps(flat(t))}' for name, t in DATA.items()]
lines += ['"start":' + json.dumps([flat(t) for t in START])]
lines += ['"schedules":[\n' + ",\n".join(json.dumps({"schedule": o, "factors": rates(o)}) for o in SCHEDULES) + "]"]
recorded = []
for run in RUNS:
    losses, weights = train(run)
    recorded.append(json.dumps({**run, "losses": [digits(v, 7) for v in losses], "weights": [flat(t) for t in weights]}))
lines += ['"runs":[\n' + ",\n".join(recorded) + "]"]
print(("{" + ",\n".join(lines) + "}").replace(", ", ",").replace(": ", ":"))
