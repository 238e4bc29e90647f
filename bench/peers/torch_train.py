# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of the training comparison; the commands are those of bench/train.c.

    torch_train.py NET FOLDER THREADS LAYOUT MODE

LAYOUT: contiguous or channels_last. MODE: eager or compile. Reads start.safetensors and data.bin, which bench_train wrote."""
import json
import resource
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

BATCHES, CONTEXT, WIDTH, HEADS, SYMBOLS = 8, 128, 256, 4, 256
name, folder, threads, layout, mode = sys.argv[1:6]
torch.set_num_threads(int(threads))
torch.set_flush_denormal(False)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 512), nn.Linear(512, 512), nn.Linear(512, 10)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


def conv(i, o, k, s=1):
    return nn.Conv2d(i, o, k, s, k // 2, bias=False)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv(1, 32, 3), conv(32, 64, 3), conv(64, 64, 3)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(32), nn.BatchNorm2d(64), nn.BatchNorm2d(64)
        self.fc1, self.fc2 = nn.Linear(3136, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.max_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Block(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(i, o, 3, s), nn.BatchNorm2d(o), conv(o, o, 3), nn.BatchNorm2d(o)
        self.downsample = nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 3), nn.BatchNorm2d(64)
        for i, (a, b) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)]):
            setattr(self, f"layer{i + 1}", nn.Sequential(Block(a, b, 1 if i == 0 else 2), Block(b, b, 1)))
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * WIDTH, WIDTH))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * WIDTH))
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in (q, k, v))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class GPTBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.self_attn, self.linear1, self.linear2 = Attention(), nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        x = x + self.self_attn(self.norm1(x))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(SYMBOLS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.layers = nn.ModuleList(GPTBlock() for _ in range(4))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, SYMBOLS, bias=False)

    def forward(self, x):
        x = self.tokens(x) + self.positions.weight[: x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)).flatten(0, 1)


NETS = {"mlp": (MLP, (1, 28, 28), 128), "cnn": (CNN, (1, 28, 28), 128), "resnet": (ResNet, (3, 32, 32), 128), "gpt": (GPT, (CONTEXT,), 16)}


def read_safetensors(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        body = file.read()
    kinds = {"F32": numpy.float32, "I64": numpy.int64}
    return {k: torch.from_numpy(numpy.frombuffer(body[slice(*v["data_offsets"])], kinds[v["dtype"]]).reshape(v["shape"]).copy()) for k, v in header.items() if k != "__metadata__"}


make, shape, batch = NETS[name]
net = make()
start = {k: v for k, v in read_safetensors(f"{folder}/start.safetensors").items() if not k.startswith(("optimizer.", "random"))}
net.load_state_dict(start)  # every name must match
raw = numpy.fromfile(f"{folder}/data.bin", numpy.int32)
elems = batch * int(numpy.prod(shape))
x = torch.from_numpy(raw[: BATCHES * elems].copy())
labels = torch.from_numpy(raw[BATCHES * elems :].copy()).long().reshape(BATCHES, -1)
x = (x.long() if name == "gpt" else x.view(torch.float32)).reshape(BATCHES, batch, *shape)
batches = [x[i] for i in range(BATCHES)]
if layout == "channels_last" and len(shape) == 3:
    net = net.to(memory_format=torch.channels_last)
    batches = [b.contiguous(memory_format=torch.channels_last) for b in batches]
net.train()
if name == "gpt":
    optimizer = torch.optim.AdamW([{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": 0.01}, {"params": [p for p in net.parameters() if p.dim() <= 1], "weight_decay": 0.0}], lr=3e-4, fused=True)
else:
    optimizer = torch.optim.SGD(net.parameters(), lr={"mlp": 0.01, "cnn": 0.0002, "resnet": 0.0001}[name], momentum=0.9, fused=True)
model = torch.compile(net) if mode == "compile" else net
at = 0


def step():
    global at
    loss = F.cross_entropy(model(batches[at]), labels[at])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    at = (at + 1) % BATCHES
    return loss.item()


print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "peak":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
    elif words[0] == "run":
        begin = time.perf_counter()
        for _ in range(int(words[1])):
            loss = step()
        print(f"{time.perf_counter() - begin:.6f} {loss:.6f}", flush=True)
    elif words[0] == "values":
        print(*(f"{step():.7f}" for _ in range(int(words[1]))), flush=True)
