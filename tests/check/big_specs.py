"""Specs of any length, as a laboratory might gather them over years: many studies of every kind of declaration."""

from __future__ import annotations

from itertools import cycle

STUDY = """
# {k}: photographs of clinic {k}, with a network of their own and one that continues it.
# The settings follow the first study; what differs is written where it differs.

data clinic{k} {{
  source  = csv("clinic{k}/labels.csv", image = image, label = label, patient = patient)
  classes = [healthy, infected]
  split   = by_patient(train = 70%, valid = 15%, test = 15%, seed = {k})
  image   = photo => crop_circle => resize(96, 96)                 # small, as the network is
}}

block conv{k}(filters, kernel = 3, stride = 1, name) =
  Convolution(num_filter = filters, kernel = kernel, stride = stride, pad = (kernel - 1) / 2, name = "{{name}}_conv")
    => BatchNorm(fix_gamma = false, name = "{{name}}_bn")
    => Activation(relu, name = "{{name}}_relu")

block unit{k}(filters, name) =
  {{ identity | conv{k}(filters, name = "{{name}}_a") => conv{k}(filters, name = "{{name}}_b") }}
    => Add(name = "{{name}}_sum")

model features{k} =
  clinic{k}.image
    => conv{k}(16, stride = 2, name = "stem")
    => repeat(2, i) {{ unit{k}(16, name = "unit{{i}}") }}
    => conv{k}(32, stride = 2, name = "down")
    => Pooling(global_pool = true, pool_type = avg) as pooled

model plain{k}    = features{k} => Flatten => FullyConnected(count(clinic{k}.classes)) => Softmax
model weighted{k} =
  features{k}
    => Flatten
    => Dropout(20%)
    => FullyConnected(num_hidden = count(clinic{k}.classes))
    => WSoftmax(weights = inverse_frequency)

augment gentle{k} = image => gaussian_noise(sigma = 0.02, p = 50%) => rotate180(p = 50%)

sampling even{k} = resample(ratio = 1 : 1, each = epoch)

train first{k} {{
  model      = plain{k}
  data       = clinic{k}
  augment    = gentle{k}
  optimizer  = sgd(lr = 0.01, momentum = 0.9, wd = 0.0001)
  schedule   = cosine(warmup = 2)
  epochs     = {epochs}
  metrics    = [accuracy, multi_ace, auc, sensitivity(at_specificity = 90%)]
  checkpoint = every(1, from = 0, keep = best(auc))
}}

train even{k}     from first{k} {{ sampling = even{k} }}
train weighted{k} from first{k} {{ model = weighted{k}  batch = 16 }}
"""
LINES = STUDY.count("\n")

MISTAKES = (
    ("kernel = kernel,", "kernal = kernel,"),
    ("=> BatchNorm(", "=> BatchNrm("),
    ("70%, valid", "70% valid"),
    ("sampling = even", "sampling = evn"),
    ("epochs     =", "epoks     ="),
    ("cosine(warmup = 2)", "cosine(warmup = two)"),
    ("    => Flatten\n", ""),
    ('name = "stem")', 'name = "stem"'),
    ("WSoftmax(", "Wsoftmax(weights = [1], "),
    ("Add(", "Dropout("),
    ("resize(96, 96)", "resize(96)"),
    ("photo =>", "foto ->"),
)
"""What a hasty hand makes of a study, each a change that gives messages."""


def big_spec(lines: int, *, mistakes: bool = False) -> str:
    """About `lines` lines of studies; with `mistakes`, one in every study."""
    studies = [STUDY.format(k=k, epochs=10 + k % 90) for k in range(max(1, lines // LINES))]
    if mistakes:
        studies = [study.replace(*mistake, 1) for study, mistake in zip(studies, cycle(MISTAKES), strict=False)]
    return "".join(studies)
