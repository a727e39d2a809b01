"""A realistic study without mistakes, and single mistakes that can be planted in it at once: what stands there, what is
written instead, and the code and the words that the one message about it must have.

Of those that name the same `part` one would hide the other, for nobody knows the shapes behind a layer without a value
for an option: they are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

STUDY = """\
# Two cameras, one disease: a study of its own for each, one network.

data clinic {
  source  = csv("clinic.csv", image = photo, label = grade, patient = person)
  classes = [healthy, infected]
  split   = by_patient(train = 70%, valid = 15%, test = 15%, seed = 2016)
  image   = photo => crop_circle(threshold = 5%) => resize(64, 64) => normalize([0.4, 0.4, 0.4])
}

data field {
  source  = folder("field", patient = "^(.*)_(left|right)")
  classes = [none_seen, seen]
  split   = by_patient(train = 60%, valid = 20%, test = 20%)
  image   = photo => resize(64, 64) => normalize(mean = [0.5, 0.5, 0.5], std = [0.2, 0.2, 0.2])
}

block conv(filters, kernel = 3, stride = 1, name) =
  Convolution(filters, kernel = kernel, stride = stride, pad = (kernel - 1) / 2, no_bias = true, name = "{name}_conv")
    => BatchNorm(fix_gamma = false, name = "{name}_bn")
    => Activation(relu, name = "{name}_relu")

block residual(filters, name) =
  { identity | conv(filters, name = "{name}_a") => conv(filters, name = "{name}_b") } => Add(name = "{name}_sum")

block body(width = 16) =
  conv(width, 5, stride = 2, name = "stem")
    => Pooling(kernel = 2, stride = 2, name = "stem_pool")
    => repeat(2, i) { residual(width, name = "unit{i}") }
    => conv(2 * width, stride = 2, name = "last") as features

backbone trunk = body(width = 16, weights = "trunk.params")
backbone fresh = body(8)

model pooled =
  trunk[last_relu]
    => Pooling(global_pool = true, pool_type = avg)
    => Flatten
    => Dropout(20%)

model binary =
  pooled
    => FullyConnected(count(clinic.classes))
    => WSoftmax(weights = [1, 66.7])

model focal =
  fresh[features]
    => Flatten
    => FullyConnected(num_hidden = 32)
    => LeakyReLU(leaky, slope = 0.1)
    => FullyConnected(count(field.classes), no_bias = true)
    => FocalSoftmax(gamma = 2, weights = effective_number(beta = 0.99))

augment gentle =
  image
    => gaussian_noise(sigma = 0.02, p = 50%)
    => flip_horizontal(p = 30%)
    => rotate180

sampling even = resample(ratio = 1 : 1, each = epoch, size = 200)
sampling few  = balanced_subset(seed = 4, size = 40)

train first {
  model      = binary
  data       = clinic
  freeze     = trunk
  sampling   = even
  augment    = gentle
  optimizer  = sgd(lr = 0.01, momentum = 0.9, wd = 0.0001)
  schedule   = cosine(warmup = 2, floor = 1%)
  epochs     = 30
  batch      = 16
  metrics    = [accuracy, auc, sensitivity(at_specificity = 90%)]
  checkpoint = every(1, from = 2, keep = best(auc))
  seed       = 7
}

train second from first { sampling = few  epochs = 12 }

train third {
  model     = focal
  data      = field
  optimizer = adam(lr = 0.001, beta1 = 0.8)
  schedule  = step(10, factor = 0.2)
  metrics   = [balanced_accuracy, multi_ace, specificity(at_sensitivity = 80%)]
  epochs    = 20
}
"""


@dataclass(frozen=True)
class Planted:
    """One mistake; `words` is what the message points at, at the place where it was planted."""

    old: str
    new: str
    code: str
    words: str
    part: str = ""


def _planted(*rows: tuple[str, str, str, str] | tuple[str, str, str, str, str]) -> tuple[Planted, ...]:
    return tuple(Planted(*row) for row in rows)


MISTAKES = _planted(
    # the text
    ('csv("clinic.csv", image', "csv('clinic.csv', image", "R101", "'clinic.csv'"),
    ("=> crop_circle(threshold = 5%)", "-> crop_circle(threshold = 5%)", "R101", "->"),
    ("train = 70%, valid", "train = 70 %, valid", "R101", "%"),
    ("classes = [none_seen, seen]", "classes: [none_seen, seen]", "R102", ":"),
    ("valid = 20%, test", "valid = 20% test", "R102", "test"),
    ("train third {", "trian third {", "R102", "trian"),
    ("second from first", "second extends first", "R102", "extends"),
    ("epochs     = 30", "epochs     = 30,", "R102", ","),
    ("batch      = 16", "batch      == 16", "R102", "=="),
    ("epochs    = 20", "epochs    = $", "R101", "$"),
    ("backbone trunk =", "backbone trunk :=", "R102", ":="),
    ('name = "unit{i}"', 'name = "unit{j}"', "R106", "j", "network"),
    # names
    ("pooled\n    =>", "poolde\n    =>", "R201", "poolde"),
    ("count(clinic.classes)", "count(clinc.classes)", "R201", "clinc.classes"),
    ("trunk[last_relu]", "trunk[last_rely]", "R206", "last_rely", "network"),
    ("sampling   = even", "sampling   = evn", "R201", "evn"),
    ("augment    = gentle", "augment    = gentel", "R201", "gentel"),
    ("freeze     = trunk", "freeze     = pooled", "R204", "pooled"),
    ("sampling few  =", "sampling even = natural\nsampling few  =", "R202", "even"),
    ("=> rotate180", "=> rotate90", "R205", "rotate90"),
    ("LeakyReLU(leaky", "LeakyRelU(leaky", "R205", "LeakyRelU"),
    ("best(auc)", "best(auroc)", "R205", "auroc"),
    ("effective_number(beta", "effektive_number(beta", "R205", "effektive_number"),
    ("resize(64, 64) => normalize(mean", "resise(64, 64) => normalize(mean", "R205", "resise"),
    ("fresh[features]", "fresh[feature]", "R206", "feature", "network"),
    ("cosine(warmup", "cosin(warmup", "R205", "cosin"),
    # options and values
    ("fix_gamma = false", "fix_gama = false", "R302", "fix_gama"),
    ("no_bias = true, name", "bias = false, name", "R302", "bias", "network"),
    ("seed       = 7", "sead       = 7", "R302", "sead"),
    ("warmup = 2", "warmup = -2", "R304", "-2"),
    ("floor = 1%", "flor = 1%", "R302", "flor"),
    ("pool_type = avg", "pool_type = mean", "R303", "mean"),
    ("Dropout(20%)", "Dropout(20)", "R304", "20"),
    ("momentum = 0.9", "momentum = high", "R303", "high"),
    ("beta1 = 0.8", "beta1 = 1.8", "R304", "1.8"),
    ("lr = 0.001, beta1", "0.001, 0.9, beta1", "R306", "0.9"),
    ("slope = 0.1", "slope = 0.1, slope = 0.2", "R305", "slope"),
    ("threshold = 5%", "threshold = 500%", "R304", "500%"),
    ("std = [0.2, 0.2, 0.2]", "std = [0.2, 0.2]", "R303", "[0.2, 0.2]"),
    ("resize(64, 64) => normalize([", "resize(64) => normalize([", "R301", "resize(64)"),
    ("factor = 0.2", "factor = 0.2 / 0", "R307", "0"),
    ("ratio = 1 : 1", "ratio = 1", "R303", "1"),
    ("gamma = 2", 'gamma = "two"', "R303", '"two"'),
    ("at_specificity = 90%", "at_specificity = 90", "R304", "90"),
    ("from = 2", "from = early", "R303", "early"),
    ("sigma = 0.02, p", "sigma = 2, p", "R304", "2"),
    ("p = 30%", "q = 30%", "R302", "q"),
    ("size = 200", "size = 0", "R304", "0"),
    ("seed = 4", "seed = four", "R303", "four"),
    ("at_sensitivity = 80%", "at_sensitivty = 80%", "R302", "at_sensitivty"),
    # what fits together
    (
        "by_patient(train = 70%, valid = 15%, test = 15%, seed = 2016)",
        "by_patient(train = 70%, valid = 15%, test = 25%, seed = 2016)",
        "R601",
        "by_patient(train = 70%, valid = 15%, test = 25%, seed = 2016)",
    ),
    ("[healthy, infected]", "[healthy, healthy]", "R603", "healthy"),
    (
        'csv("clinic.csv", image = photo, label = grade, patient = person)',
        'csv("clinic.csv", image = photo, label = grade)',
        "R602",
        'csv("clinic.csv", image = photo, label = grade)',
    ),
    (
        "    => Flatten\n    => FullyConnected(num_hidden = 32)",
        "    => FullyConnected(num_hidden = 32)",
        "R401",
        "FullyConnected(num_hidden = 32)",
        "network",
    ),
    ("[1, 66.7]", "[1, 66.7, 3]", "R503", "[1, 66.7, 3]"),
)
"""Every mistake that a person makes once in a while, of every rank that can stand beside others."""

TWENTY = (
    "'clinic.csv'",
    "->",
    "%",
    ":",
    "test",
    "extends",
    "==",
    "j",
    "poolde",
    "gentel",
    "even",
    "rotate90",
    "auroc",
    "fix_gama",
    "mean",
    "20",
    "0.9",
    "slope",
    "healthy",
    "[1, 66.7, 3]",
)
