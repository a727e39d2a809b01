"""`retdsl weights`: what people have goes into the store under a name, and a study takes it from there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors_files import safetensors_bytes

import retdsl
from retdsl.check.fit import parameters
from retdsl.cli import main
from retdsl.intake.networks import nodes_of
from retdsl.weights.layouts import LAYOUTS
from retdsl.weights.layouts.tables import named_tensors

NETWORK, LAYOUT = "squeezenet1_1", "squeezenet"
STUDY = """
data eyes {{
  source  = synthetic_fundus(60, ratio = 1 : 1)
  classes = [healthy, infected]
  image   = photo => resize(64, 64)
}}
backbone trunk = zoo({network}, weights = {weights})
model scores = trunk[global_pool] => Flatten => FullyConnected(2, name = "own") => Softmax
train first {{ model = scores  data = eyes  freeze = trunk }}
"""
TIMM = {
    "architecture": "mobilenetv2_100",
    "num_classes": 1000,
    "pretrained_cfg": {
        "tag": "ra_in1k",
        "input_size": [3, 224, 192],
        "mean": [0.5, 0.4, 0.3],
        "std": [0.1, 0.2, 0.3],
        "license": "apache-2.0",
    },
}


@cache
def tensors(network: str = NETWORK, layout: str = LAYOUT, column: int = 0) -> Mapping[str, tuple[int, ...]]:
    """The tensors of a network as another library names them, with their shapes."""
    shapes = parameters(nodes_of(network))
    names = named_tensors(LAYOUTS[layout][network](), column)
    return {theirs: tuple(map(int, shapes[ours] or ())) for theirs, ours in names if ours is not None}  # type: ignore[arg-type]


def content(shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    return safetensors_bytes({name: np.zeros(shape, "f2") for name, shape in shapes.items()})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store of the test's own."""
    monkeypatch.setenv("RETDSL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some net.safetensors"
    path.write_bytes(content(tensors()))
    return path


@pytest.fixture
def weights(store: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs `retdsl weights` and gives what it says: JSON where that is asked for, else the text for people."""

    def run(*arguments: object, code: int = 0) -> Any:
        capsys.readouterr()
        assert main(["weights", *map(str, arguments)]) == code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "defect" not in err
        return json.loads(out) if "json" in arguments else err + out

    assert not store.exists()
    return run


def files(store: Path) -> list[str]:
    return sorted(path.name for path in store.rglob("*") if path.is_file() and path.name != ".lock")


def test_a_file_goes_in_and_a_study_takes_it_by_name(
    weights: Callable[..., Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    told = weights("import", file)
    assert told.startswith("some-net is in the store\n")
    assert f'weights = "some-net" sha256 "{sha256[:16]}"' in told
    assert "(usual for torchvision)" in told
    [kept] = weights("list", "--format", "json")["weights"]
    assert (kept["network"], kept["layout"], kept["origin"]) == (NETWORK, LAYOUT, "torchvision")
    assert (kept["sha256"], kept["source"], kept["licence"]) == (sha256, file.name, None)
    assert kept["convention"]["size"] == [224, 224]
    assert Path(kept["path"]).read_bytes() == file.read_bytes()

    spec = tmp_path / "study.retina"
    spec.write_text(STUDY.format(network=NETWORK, weights='"some-net"'))
    assert main(["check", "-v", str(spec)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "what `trunk` was trained with (the store's `some-net`: usual for torchvision)" in said
    assert "`trunk` was trained at 224 x 224 pixels; photographs come as 64 x 64" in said
    assert main(["compile", str(spec), "-o", str(tmp_path / "out"), "--standalone"]) == 0
    program = (tmp_path / "out" / "first" / "train.py").read_text()
    assert f'sha256="{sha256}"' in program
    assert f'layout="{LAYOUT}"' in program
    assert "mean=(0.485, 0.456, 0.406)" in program
    assert "what trunk was trained with" in program
    assert (tmp_path / "out" / "first" / "weights" / f"{sha256}.safetensors").read_bytes() == file.read_bytes()


def test_a_path_below_home_is_written_from_there(
    weights: Callable[..., Any], file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spec_texts import experiment

    weights("import", file, "--name", "net")
    monkeypatch.setenv("HOME", str(tmp_path))
    load = experiment(STUDY.format(network=NETWORK, weights='"net"')).network.backbones[0].weights
    assert load is not None
    assert str(load["path"]).startswith("~/cache/weights/files/")
    from retdsl.runtime.pretrained import weights_file

    assert weights_file(**dict(load.options)).locate().read_bytes() == file.read_bytes()  # type: ignore[arg-type]


def test_what_the_user_says_goes_before_what_is_known(weights: Callable[..., Any], file: Path) -> None:
    facts = ("--name", "net", "--source", "a disk", "--licence", "MIT", "--for", NETWORK)
    normal = ("--mean", 1, 2, 3, "--std", 4, 5, 6, "--scale", 255, "--size", 96, 80)
    kept = weights("import", file, *facts, *normal, "--format", "json")
    assert (kept["name"], kept["source"], kept["licence"]) == ("net", "a disk", "MIT")
    wanted = {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0], "scale": 255.0, "size": [96, 80]}
    assert kept["convention"] == wanted
    table = weights("list")
    assert "normalize((1, 2, 3), std = (4, 5, 6), scale = 255)" in table
    assert kept["convention_from"] == "told at the import"


def test_a_folder_of_timm_says_what_it_is(weights: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "timm"
    folder.mkdir()
    column = next(
        at for at, column in enumerate(LAYOUTS["mobilenet_v2"]["mobilenet_v2"]().columns) if column.origin == "timm"
    )
    (folder / "model.safetensors").write_bytes(content(tensors("mobilenet_v2", "mobilenet_v2", column)))
    (folder / "config.json").write_text(json.dumps(TIMM))
    kept = weights("import", folder, "--format", "json")
    assert (kept["name"], kept["network"]) == ("mobilenetv2_100.ra_in1k", "mobilenet_v2")
    assert (kept["origin"], kept["licence"], kept["source"]) == ("timm", "apache-2.0", "timm/model.safetensors")
    assert kept["convention_from"] == "the config.json beside its weights"
    wanted = {"mean": [0.5, 0.4, 0.3], "std": [0.1, 0.2, 0.3], "scale": 1.0, "size": [224, 192]}
    assert kept["convention"] == wanted


def test_a_head_of_other_classes_is_told_and_one_that_is_missing(weights: Callable[..., Any], tmp_path: Path) -> None:
    head = [name for name in tensors() if name.startswith("classifier")]
    small = {name: (3, *shape[1:]) if name in head else shape for name, shape in tensors().items()}
    bare = {name: shape for name, shape in tensors().items() if name not in head}
    for name, shapes in {"small": small, "bare": bare}.items():
        (tmp_path / f"{name}.pth").write_bytes(content(shapes))
    told = weights("import", tmp_path / "small.pth", "--format", "json")
    assert told["classes"] == 3
    assert "classes = 3" in told["remarks"][0]
    told = weights("import", tmp_path / "bare.pth", "--format", "json")
    assert told["classes"] is None


def test_a_name_that_promises_another_hash_is_told(weights: Callable[..., Any], tmp_path: Path) -> None:
    made = content(tensors())
    honest = tmp_path / f"net-{hashlib.sha256(made).hexdigest()[:8]}.safetensors"
    lying = tmp_path / "net-b8a52dc0.safetensors"
    for path in (honest, lying):
        path.write_bytes(made)
    assert weights("import", honest, "--format", "json")["remarks"] == []
    [said] = weights("import", lying, "--format", "json")["remarks"]
    assert "b8a52dc0" in said


def test_what_does_not_fit_is_refused_and_leaves_nothing(
    weights: Callable[..., Any], file: Path, store: Path, tmp_path: Path
) -> None:
    told = weights("import", file, "--for", "vgg11", code=1)
    assert "does not fit `vgg11`" in told
    assert f"it looks like torchvision's `{NETWORK}`" in told
    assert len([line for line in told.splitlines() if line.startswith("   - ")]) == 4, "each misfit has a line"
    (tmp_path / "odd.pth").write_bytes(content({"odd.weight": (2, 3)}))
    told = weights("import", tmp_path / "odd.pth", code=2)
    assert "looks like no network of the zoo" in told
    assert "--for NETWORK" in told
    extra = {**tensors(), "features.99.weight": (1,)}
    (tmp_path / "extra.pth").write_bytes(content(extra))
    told = weights("import", tmp_path / "extra.pth", "--for", NETWORK, code=1)
    assert "1 tensor too many" in told
    assert "the file also has features.99.weight, for which the network has no place" in told
    assert files(store) == []


def test_what_is_no_weights_file_is_not_even_copied(weights: Callable[..., Any], store: Path, tmp_path: Path) -> None:
    """A pipe has no end, and a huge file takes long to copy."""
    os.mkfifo(tmp_path / "pipe.pth")
    assert "it is no file but a pipe or a device" in weights("import", tmp_path / "pipe.pth", code=1)
    with (tmp_path / "zeros.pth").open("wb") as file:
        file.truncate(1 << 42)  # bytes that are nowhere: writing them down would fill any disk
    assert "it begins with zeros" in weights("import", tmp_path / "zeros.pth", code=1)
    assert not store.exists()


def test_a_narrow_terminal_keeps_names_whole(
    weights: Callable[..., Any], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a-name-of-thirty-five-letters-or-so"
    weights("import", file, "--name", name, "--source", "https://example.org/" + "x" * 100, "--licence", "MIT")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns, shown in {76: False, 130: True}.items():
        monkeypatch.setenv("COLUMNS", str(columns))
        table = re.sub(r"\x1b\[[0-9;]*m", "", weights("list"))
        assert max(map(len, table.splitlines())) <= columns
        assert name in table
        assert ("https://example" in table) == shown
        assert ("no room for: " in table) != shown


def test_several_networks_are_never_guessed_among(weights: Callable[..., Any], tmp_path: Path) -> None:
    """Under the zoo's own names, torchvision's ResNet-18 and Gluon's are alike."""
    shapes = {name: tuple(map(int, shape or ())) for name, shape in parameters(nodes_of("resnet18")).items()}  # type: ignore[arg-type]
    (tmp_path / "x.pth").write_bytes(content(shapes))
    told = weights("import", tmp_path / "x.pth", code=2)
    assert "fits several networks of the zoo: it looks like `resnet18` or `resnet18_v1`" in told
    assert "--for NETWORK" in told


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"", "empty"),
        (content({"a": (2,)})[:-1], "truncated or damaged"),
    ],
)
def test_what_is_no_weights_file_is_refused(
    weights: Callable[..., Any], store: Path, tmp_path: Path, made: bytes, said: str
) -> None:
    (tmp_path / "x.safetensors").write_bytes(made)
    assert said in weights("import", tmp_path / "x.safetensors", "--for", NETWORK, code=1)
    assert files(store) == []


def test_wrong_usage_is_told_at_once(weights: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    told = weights("import", file, "--for", "squeezenet11", "--name", "../x", code=2)
    assert "no network `squeezenet11`" in told
    assert "did you mean" in told
    assert "`../x` cannot be a name" in told
    told = weights("import", file, "--size", 0, "--std", 1, 1, 1, code=2)
    assert "--size takes height and width" in told
    assert "--std and --scale go with --mean" in told
    for numbers in (("--mean", 1, "nan", 1), ("--mean", 1, 1, 1, "--std", 1, 1, "inf")):
        assert "finite numbers" in weights("import", file, *numbers, code=2)
    assert "imagenet" in weights("import", file, "--name", "imagenet", code=2)
    assert "cannot read" in weights("import", tmp_path / "nothing.pth", code=2)
    assert "has no model.safetensors" in weights("import", tmp_path, code=2)
    assert "the store has no `nix`" in weights("remove", "nix", code=2)
    assert "the store has no `nix`" in weights("verify", "nix", code=2)


def test_a_name_that_is_taken_is_not_taken_away(weights: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    weights("import", file, "--name", "net")
    (tmp_path / "other.pth").write_bytes(content(dict(reversed(tensors().items()))))
    told = weights("import", tmp_path / "other.pth", "--name", "net", code=2)
    assert "the store has other weights called `net`" in told
    assert "`retdsl weights remove net`" in told
    weights("import", file, "--name", "net", "--licence", "MIT")
    [kept] = weights("list", "--format", "json")["weights"]
    assert kept["licence"] == "MIT"


def test_verify_tells_damage_and_ends_with_1(weights: Callable[..., Any], file: Path, store: Path) -> None:
    weights("import", file, "--name", "net")
    assert weights("verify") == "net: as it was\n"
    [path] = (store / "files").iterdir()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    (store / "files" / "stray.pth").touch()
    told = weights("verify", "--format", "json", code=1)
    assert [wrong["name"] for wrong in told["wrong"]] == ["net", None]
    assert "its file is damaged" in weights("verify", code=1)
    weights("remove", "net")
    assert files(store) == ["stray.pth"]


def test_a_store_that_cannot_be_read_is_not_called_empty(weights: Callable[..., Any], store: Path) -> None:
    store.parent.mkdir(parents=True)
    store.touch()
    for action in (("list",), ("verify",), ("remove", "net")):
        assert f"cannot read the store: not a directory\n --> {store}" in weights(*action, code=1)


def test_a_folder_that_runs_alone_gets_no_damaged_file(
    weights: Callable[..., Any], file: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights("import", file, "--name", "net")
    [path] = (store / "files").iterdir()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    spec = tmp_path / "study.retina"
    spec.write_text(STUDY.format(network=NETWORK, weights='"net"'))
    assert main(["compile", str(spec), "-o", str(tmp_path / "out"), "--standalone"]) == 1
    said = capsys.readouterr().err
    assert "is not the one that was meant: its SHA-256 differs" in said
    assert str(path) in said


def test_an_empty_store_says_how_to_fill_it(weights: Callable[..., Any], store: Path) -> None:
    assert "`retdsl weights import FILE`" in weights("list")
    assert weights("list", "--format", "json") == {"folder": str(store), "weights": [], "damaged": []}
    assert "the store is empty" in weights("verify")


# --- fetch


class Hub:
    """Stands for the package huggingface_hub, with one repository."""

    def __init__(self, files: dict[str, bytes], licence: str | None = "apache-2.0", fails: str = "") -> None:
        self.files, self.licence, self.fails = files, licence, fails
        names = ("GatedRepo", "RepositoryNotFound", "RevisionNotFound", "EntryNotFound", "HfHubHTTP", "HFValidation")
        made = {f"{name}Error": type(f"{name}Error", (Exception,), {}) for name in (*names, "LocalEntryNotFound")}
        self.errors = SimpleNamespace(**made)
        self.utils = SimpleNamespace(disable_progress_bars=lambda: None)
        self.asked: list[tuple[str, ...]] = []

    def HfApi(self) -> Hub:
        return self

    def model_info(self, repo: str, revision: str | None, timeout: float, files_metadata: bool) -> SimpleNamespace:
        assert timeout > 0
        assert files_metadata
        self.asked.append((repo, revision or ""))
        if self.fails:
            raise getattr(self.errors, self.fails, OSError)("it is so\nand more")
        siblings = [
            SimpleNamespace(rfilename=name, lfs=SimpleNamespace(sha256=hashlib.sha256(made).hexdigest()))
            for name, made in self.files.items()
        ]
        return SimpleNamespace(siblings=siblings, sha="c0ffee", card_data={"license": self.licence})

    def hf_hub_download(self, repo: str, file: str, revision: str, local_dir: str) -> str:
        self.asked.append((repo, file, revision))
        path = Path(local_dir, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.files[file])
        return str(path)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Hub], Hub]]:
    def installed(hub: Hub) -> Hub:
        module = ModuleType("huggingface_hub")
        module.__dict__.update({name: getattr(hub, name) for name in ("HfApi", "hf_hub_download", "errors", "utils")})
        module.__path__ = []  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "huggingface_hub", module)
        for part in ("errors", "utils"):
            monkeypatch.setitem(sys.modules, f"huggingface_hub.{part}", ModuleType(f"huggingface_hub.{part}"))
        return hub

    return installed


def test_a_repository_is_fetched_with_all_that_it_says(
    weights: Callable[..., Any], install: Callable[[Hub], Hub], store: Path
) -> None:
    config = {**TIMM, "architecture": NETWORK, "pretrained_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1]}}
    hub = install(Hub({"config.json": json.dumps(config).encode(), "model.safetensors": content(tensors())}))
    kept = weights("fetch", "hf:timm/small.tv_in1k", "--format", "json")
    assert (kept["name"], kept["network"], kept["licence"]) == ("small.tv_in1k", NETWORK, "apache-2.0")
    assert kept["source"] == "hf:timm/small.tv_in1k@c0ffee"
    assert kept["convention"]["mean"] == [0.0, 0.0, 0.0]
    assert hub.asked[1:] == [("timm/small.tv_in1k", name, "c0ffee") for name in ("config.json", "model.safetensors")]
    assert files(store) == sorted(["small.tv_in1k.json", f"{kept['sha256']}.safetensors"])
    assert not list(store.glob("fetch-*"))


def test_one_file_of_a_repository(weights: Callable[..., Any], install: Callable[[Hub], Hub]) -> None:
    hub = install(Hub({"nets/one.pth": content(tensors())}, licence="other"))
    kept = weights("fetch", "hf:me/nets/nets/one.pth@v2", "--format", "json")
    assert hub.asked[0] == ("me/nets", "v2")
    assert (kept["name"], kept["licence"], kept["source"]) == ("one", None, "hf:me/nets/nets/one.pth@c0ffee")


def test_a_download_that_is_not_what_the_hub_says_is_refused(
    weights: Callable[..., Any], install: Callable[[Hub], Hub], store: Path
) -> None:
    hub = Hub({"model.safetensors": content(tensors())})
    whole = hub.files["model.safetensors"]
    info = hub.model_info("a/b", None, 1, True)
    hub.files["model.safetensors"] = whole[:-1] + b"\x01"
    hub.model_info = lambda *_, **__: info  # type: ignore[method-assign]
    install(hub)
    assert "SHA-256 differs" in weights("fetch", "hf:a/b", code=1)
    assert files(store) == []


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        ("GatedRepoError", "only for those whom its owners let in"),
        ("RepositoryNotFoundError", "has no repository a/b"),
        ("RevisionNotFoundError", "has no revision"),
        ("LocalEntryNotFoundError", "cannot be reached"),
        ("HfHubHTTPError", "the hub refuses"),
        ("ConnectError", "cannot be reached"),
    ],
)
def test_what_can_go_wrong_on_the_way(
    weights: Callable[..., Any], install: Callable[[Hub], Hub], fails: str, said: str
) -> None:
    install(Hub({}, fails=fails))
    assert said in weights("fetch", "hf:a/b", code=1)


def test_a_repository_without_weights(weights: Callable[..., Any], install: Callable[[Hub], Hub]) -> None:
    install(Hub({"README.md": b"", "flax.msgpack": b""}))
    assert "no repository of weights" in weights("fetch", "hf:a/b", code=1)
    install(Hub({"a.pth": b"", "b.bin": b""}))
    told = weights("fetch", "hf:a/b", code=1)
    assert "it has a.pth" in told
    assert "hf:a/b/FILE" in told
    assert "has no file c.pth" in weights("fetch", "hf:a/b/c.pth", code=1)


@pytest.mark.parametrize(
    "address", ["timm/resnet50", "hf:resnet50", "hf:../x", "https://huggingface.co/a/b", "hf:a/b/../c"]
)
def test_what_is_no_address(weights: Callable[..., Any], address: str) -> None:
    assert "write hf:OWNER/REPO" in weights("fetch", address, code=2)


def test_without_the_package(weights: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    told = weights("fetch", "hf:a/b", code=1)
    assert "pip install 'retdsl[fetch]'" in told


LISTENER = """
import sys
def told(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        open({log!r}, "a").write(f"{{event}} {{arguments}}\\n")
sys.addaudithook(told)
"""
"""Notes what any Python process asks of the network."""


@pytest.mark.parametrize("command", ["check", "compile", pytest.param("train", marks=pytest.mark.slow)])
def test_nothing_else_asks_the_network_for_anything(
    command: str, weights: Callable[..., Any], file: Path, store: Path, tmp_path: Path
) -> None:
    weights("import", file, "--name", "net")
    (tmp_path / "study.retina").write_text(STUDY.format(network=NETWORK, weights='"net"'))
    (tmp_path / "sitecustomize.py").write_text(LISTENER.format(log=str(tmp_path / "log")))
    paths = os.pathsep.join([str(tmp_path), str(Path(retdsl.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": paths, "RETDSL_CACHE": str(store.parent)}
    options = {"check": [], "compile": ["-o", "out"], "train": ["--run", "run", "--set", "epochs=1", "--plain"]}
    run = partial(subprocess.run, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    done = run([sys.executable, "-m", "retdsl", command, "study.retina", *options[command]])
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "log").exists()
    run([sys.executable, "-c", "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"])
    assert (tmp_path / "log").read_text().startswith("socket.connect"), "the listener listens"


def test_a_closed_port_is_said_plainly(weights: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real package."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert "the hub cannot be reached" in weights("fetch", "hf:a/b", code=1)


def test_a_name_of_weights_is_no_network_to_look_at(
    weights: Callable[..., Any], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights("import", file, "--name", "net")
    assert main(["layers", "net"]) == 2
    said = capsys.readouterr().err
    assert "`net` are weights in your store, and no network" in said
    assert f"`{NETWORK}` is what they are for" in said
