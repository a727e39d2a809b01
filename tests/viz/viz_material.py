"""Networks and experiments made by hand, as the compiler would give them, for the pictures to be drawn from."""

from __future__ import annotations

from dataclasses import replace

from retdsl.ir import (
    Backbone,
    Call,
    DataPlan,
    Experiment,
    Loss,
    Network,
    Node,
    Parameter,
    Place,
    Shape,
    TrainingPlan,
    Value,
)

SPEC = "three_answers.retina"


class Builder:
    """Writes a chain node by node and carries the shapes; `at` is the node that the next one continues."""

    def __init__(self, name: str, input_shape: Shape, file: str = SPEC) -> None:
        self.name, self.input_shape, self.file = name, input_shape, file
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape | None] = {"data": input_shape}
        self.at = "data"
        self.path: tuple[str, ...] = ()
        self.backbone: str | None = None
        self.frozen = False

    def add(
        self,
        op: str,
        name: str,
        shape: Shape | None,
        parameters: tuple[tuple[str, Shape | None], ...] = (),
        inputs: tuple[str, ...] | None = None,
        **options: Value,
    ) -> str:
        """One node; a parameter named `moving_...` is auxiliary."""
        made = tuple(Parameter(f"{name}_{k}", s, k.startswith("moving")) for k, s in parameters)
        place = Place(self.file, len(self.nodes) + 3, 6)
        node = Node(
            name,
            op,
            tuple(options.items()),
            inputs or (self.at,),
            shape,
            made,
            place,
            self.path,
            None,
            self.backbone,
            self.frozen,
        )
        self.nodes.append(node)
        self.shapes[name] = shape
        self.at = name
        return name

    def conv(self, name: str, filters: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> str:
        n, channels, height, width = self.shapes[self.at] or (None, 1, 1, 1)
        assert channels
        assert height
        assert width
        shape = (n, filters, -(-height // stride), -(-width // stride))
        weight = (filters, channels // groups, kernel, kernel)
        return self.add(
            "Convolution",
            name,
            shape,
            (("weight", weight),),
            num_filter=filters,
            kernel=(kernel, kernel),
            stride=(stride, stride),
            pad=(kernel // 2, kernel // 2),
            num_group=groups,
            no_bias=True,
        )

    def norm(self, name: str) -> str:
        shape = self.shapes[self.at] or (None, 1)
        vector = (shape[1],)
        names = ("gamma", "beta", "moving_mean", "moving_var")
        return self.add("BatchNorm", name, shape, tuple((k, vector) for k in names), fix_gamma=False, eps=0.001)

    def act(self, name: str, kind: str = "relu") -> str:
        return self.add("Activation", name, self.shapes[self.at], act_type=kind)

    def unit(self, name: str, filters: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> str:
        self.conv(f"conv_{name}", filters, kernel, stride, groups)
        self.norm(f"bn_{name}")
        return self.act(f"relu_{name}")

    def pool(self, name: str, kind: str, kernel: int, stride: int) -> str:
        n, channels, height, width = self.shapes[self.at] or (None, 1, 1, 1)
        assert height
        assert width
        shape = (n, channels, -(-height // stride), -(-width // stride))
        return self.add("Pooling", name, shape, kernel=(kernel, kernel), stride=(stride, stride), pool_type=kind)

    def global_pool(self, name: str = "global_pool") -> str:
        n, channels, *_ = self.shapes[self.at] or (None, 1)
        return self.add("Pooling", name, (n, channels, 1, 1), global_pool=True, kernel=(7, 7), pool_type="avg")

    def dense(self, name: str, units: int) -> str:
        width = (self.shapes[self.at] or (None, 1))[1]
        made = (("weight", (units, width)), ("bias", (units,)))
        return self.add("FullyConnected", name, (None, units), made, num_hidden=units)

    def head(self, classes: int = 2) -> None:
        shape = self.shapes[self.at] or (None, 1)
        self.add("Flatten", "flatten1", (None, shape[1]))
        self.dense("fc1", 128)
        self.add("Activation", "relu1", (None, 128), act_type="relu")
        self.dense("fc2", classes)

    def network(self, loss: Loss | None = None, backbones: tuple[Backbone, ...] = ()) -> Network:
        place = Place(SPEC, 14, 1)
        return Network(self.name, "data", self.input_shape, tuple(self.nodes), self.at, loss, backbones, place)


def softmax(logits: str = "fc2") -> Loss:
    return Loss("softmax", "Softmax", (), logits, Place(SPEC, 23, 24))


def weighted(weights: Value = Call("inverse_frequency")) -> Loss:  # noqa: B008 (frozen)
    return Loss("softmax", "WSoftmax", (("weights", weights),), "fc2", Place(SPEC, 22, 24))


def small() -> Network:
    """A frozen stem of five layers in one block, and a head of four."""
    b = Builder("small", (None, 3, 32, 32))
    b.backbone, b.frozen, b.path = "tiny", True, ("tiny", "stem(s1)")
    b.unit("1", 8, 3, 2)
    b.path = ("tiny",)
    b.pool("pool1", "max", 3, 2)
    b.global_pool()
    b.backbone, b.frozen, b.path = None, False, ()
    b.head()
    backbone = Backbone("tiny", Call("block", (("name", "tiny"),)), None, Place(SPEC, 3, 1))
    return b.network(weighted((1.0, 66.7)), (backbone,))


def plain() -> Network:
    """No backbone, no blocks, nothing frozen, names that need escaping."""
    b = Builder('a "plain" <net> & co', (None, 1, 28, 28))
    b.conv('conv"1"\\n', 8, 3)
    b.act("relu<1>")
    b.pool("pool&1", "max", 2, 2)
    b.add("Flatten", "flat", (None, 8 * 14 * 14))
    b.dense("fc2", 3)
    return b.network(softmax())


def efficientnet_lite0(frozen: bool = True, loss: Loss | None = None, paths: bool = True) -> Network:
    """EfficientNet-Lite0 up to its pooling, 150 layers, with the study's head."""
    b = Builder("weighted", (None, 3, 224, 224), "zoo/efficientnet_lite.retina")
    b.backbone, b.frozen = "efficientnet", frozen

    def step(path: str | None) -> None:
        b.path = ("efficientnet_lite0", *((path,) if path else ())) if paths else ()

    step(None)
    b.unit("stem", 32, 3, 2)
    index, channels = 0, 32
    stages = (
        (1, 1, 3, 16, 1),
        (2, 6, 3, 24, 2),
        (2, 6, 5, 40, 2),
        (3, 6, 3, 80, 2),
        (3, 6, 5, 112, 1),
        (4, 6, 5, 192, 2),
        (1, 6, 3, 320, 1),
    )
    for repeats, expand, kernel, filters, stride in stages:
        for i in range(repeats):
            index += 1
            step(f"mbconv(blocks_{index})")
            source = b.at
            if expand > 1:
                b.unit(f"{index}_expand", channels * expand)
            b.unit(f"{index}_depthwise", channels * expand, kernel, stride if i == 0 else 1, channels * expand)
            b.conv(f"conv_{index}_project", filters)
            b.norm(f"bn_{index}_project")
            if i:
                b.add("Add", f"add_{index}", b.shapes[b.at], (), (b.at, source))
            channels = filters
    step(None)
    b.unit("head", 1280)
    b.global_pool()
    b.backbone, b.frozen, b.path, b.file = None, False, (), SPEC
    b.head()
    source = Call("zoo", (("name", "efficientnet_lite0"), ("weights", "imagenet")))
    backbone = Backbone("efficientnet", source, Call("imagenet"), Place(SPEC, 10, 1))
    return b.network(loss or weighted(), (backbone,))


def inception_bn(frozen: bool = True) -> Network:
    """Inception-BN as the original lays it out: forks of four branches, joined by Concat."""
    b = Builder("plain", (None, 3, 224, 224), "zoo/inception_bn.retina")
    b.backbone, b.frozen = "inception", frozen

    def step(path: str | None) -> None:
        b.path = ("inception_bn", path) if path else ("inception_bn",)

    def branch(start: str) -> None:
        b.at = start

    def block_a(name: str, n1: int, n3r: int, n3: int, nd3r: int, nd3: int, kind: str, proj: int) -> None:
        step(f"inception_a({name})")
        start, ends = b.at, []
        ends.append(b.unit(f"{name}_1x1", n1))
        branch(start)
        b.unit(f"{name}_3x3_reduce", n3r)
        ends.append(b.unit(f"{name}_3x3", n3, 3))
        branch(start)
        b.unit(f"{name}_double_3x3_reduce", nd3r)
        b.unit(f"{name}_double_3x3_0", nd3, 3)
        ends.append(b.unit(f"{name}_double_3x3_1", nd3, 3))
        branch(start)
        b.pool(f"{kind}_pool_{name}_pool", kind, 3, 1)
        ends.append(b.unit(f"{name}_proj", proj))
        concat(f"ch_concat_{name}_chconcat", ends)

    def block_b(name: str, n3r: int, n3: int, nd3r: int, nd3: int) -> None:
        step(f"inception_b({name})")
        start, ends = b.at, []
        b.unit(f"{name}_3x3_reduce", n3r)
        ends.append(b.unit(f"{name}_3x3", n3, 3, 2))
        branch(start)
        b.unit(f"{name}_double_3x3_reduce", nd3r)
        b.unit(f"{name}_double_3x3_0", nd3, 3)
        ends.append(b.unit(f"{name}_double_3x3_1", nd3, 3, 2))
        branch(start)
        ends.append(b.pool(f"max_pool_{name}_pool", "max", 3, 2))
        concat(f"ch_concat_{name}_chconcat", ends)

    def concat(name: str, ends: list[str]) -> None:
        n, _, height, width = b.shapes[ends[0]] or (None, 1, 1, 1)
        channels = sum((b.shapes[e] or (None, 0))[1] or 0 for e in ends)
        b.add("Concat", name, (n, channels, height, width), (), tuple(ends))

    step("conv_factory(1)")
    b.unit("1", 64, 7, 2)
    step(None)
    b.pool("pool_1", "max", 3, 2)
    step("conv_factory(2_red)")
    b.unit("2_red", 64)
    step("conv_factory(2)")
    b.unit("2", 192, 3)
    step(None)
    b.pool("pool_2", "max", 3, 2)
    block_a("3a", 64, 64, 64, 64, 96, "avg", 32)
    block_a("3b", 64, 64, 96, 64, 96, "avg", 64)
    block_b("3c", 128, 160, 64, 96)
    block_a("4a", 224, 64, 96, 96, 128, "avg", 128)
    block_a("4b", 192, 96, 128, 96, 128, "avg", 128)
    block_a("4c", 160, 128, 160, 128, 160, "avg", 128)
    block_a("4d", 96, 128, 192, 160, 192, "avg", 128)
    block_b("4e", 128, 192, 192, 256)
    block_a("5a", 352, 192, 320, 160, 224, "avg", 128)
    block_a("5b", 352, 192, 320, 192, 224, "max", 128)
    step(None)
    b.global_pool()
    b.backbone, b.frozen, b.path, b.file = None, False, (), SPEC
    b.head()
    source = Call("checkpoint", (("prefix", "Inception_BN"), ("epoch", 39)))
    return b.network(softmax(), (Backbone("inception", source, source, Place(SPEC, 10, 1)),))


def experiment(network: Network | None = None) -> Experiment:
    """The study's `refreshed`: everything switched on."""
    data = DataPlan(
        "fundus",
        Call("csv", (("path", "labels.csv"), ("image", "image"), ("label", "label"), ("patient", "patient"))),
        ("healthy", "infected"),
        Call("by_patient", (("train", 0.7), ("valid", 0.15), ("test", 0.15), ("seed", 2016))),
        (Call("crop_circle", (("threshold", 0.06),)), Call("resize", (("height", 224), ("width", 224)))),
        Call("normalize", (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225)), ("scale", 1.0))),
        "efficientnet",
        (None, 3, 224, 224),
        Place(SPEC, 3, 1),
    )
    training = TrainingPlan(
        Call("sgd", (("lr", 0.01), ("momentum", 0.9), ("wd", 0.0001))),
        Call("cosine", (("warmup", 2), ("floor", 0.0))),
        100,
        32,
        (
            Call("accuracy"),
            Call("multi_ace"),
            Call("auc"),
            Call("sensitivity", (("at_specificity", 0.9),)),
        ),
        Call("every", (("n", 1), ("from", 0), ("keep", Call("best", (("metric", "auc"),))))),
        7,
    )
    return Experiment(
        "refreshed",
        network or efficientnet_lite0(loss=softmax()),
        data,
        Call("resample", (("ratio", (1, 1)), ("each", "epoch"), ("size", None))),
        (Call("gaussian_noise", (("sigma", 0.02), ("p", 0.5))), Call("rotate180", (("p", 0.5),))),
        training,
        ("efficientnet",),
        Place(SPEC, 45, 1),
    )


def bare_experiment() -> Experiment:
    """Nothing optional: no preparation, no augmentation, natural sampling, nothing frozen."""
    full = experiment(plain())
    data = replace(
        full.data,
        source=Call("synthetic_fundus", (("n", 406), ("ratio", (200, 3)), ("seed", 0), ("size", 256))),
        prepare=(),
        normalize=None,
        normalize_from=None,
    )
    training = replace(full.training, optimizer=Call("adam", (("lr", 0.001),)), schedule=Call("constant"))
    return replace(full, name="bare", data=data, sampling=Call("natural"), augment=(), freeze=(), training=training)
