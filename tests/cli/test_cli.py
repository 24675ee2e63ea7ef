"""The command line as a process: what it prints, its exit codes, and one line where something is wrong."""

import io
import json
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from unittest import mock

import pytest

pytest.importorskip("typer")

from tconv.cli import main
from tconv.recipes import checkpoint

COMMAND = [sys.executable, "-m", "tconv"]
FRAMEWORKS = ("jax", "torch", "tensorflow", "keras", "onnx", "scipy")


def tconv(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300)


def refused(*arguments, run=tconv):
    """What a refusal says: exit code 2, nothing on stdout, one line on stderr."""
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, ""), result
    lines = [line for line in result.stderr.splitlines() if line.startswith("tconv: ")]
    assert "Traceback" not in result.stderr
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_info_says_versions_and_what_runs_on_the_engine_and_that_tensorflow_does_not():
    found = json.loads(tconv("info", "--json").stdout)
    assert list(found["versions"])[:3] == ["tconv", "python", "numpy"]
    runs = {face["name"]: face["runs"] for face in found["faces"]}
    assert set(runs) >= {"tconv.jax", "tconv.torch", "tconv.keras on TensorFlow"}
    assert "engine" not in runs["tconv.tensorflow"]
    assert found["compiled"] == (found["machine"]["isa"] != "portable")
    assert found["machine"]["isa"] in tconv("info").stdout
    assert found["bfloat16"] in ("amx", "vectors", "portable")


@pytest.mark.parametrize("verb", [["info", "--json"], ["solve", "7", "14"], ["bench", "--help"],
                                  ["train", "autoencoder", "--help"]])
def test_no_framework_is_imported_for_a_quick_answer(verb):
    code = (f"import sys; sys.argv = ['tconv', *{verb!r}]\nfrom tconv.cli import main\ntry: main()\nexcept "
            "SystemExit: pass\n"
            f"print(sorted(set(sys.modules) & set({FRAMEWORKS!r})), file=sys.stderr)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"


@pytest.mark.parametrize("verb", ["train", "apply", "solve", "convert", "bench", "info"])
def test_every_verb_helps_with_an_example(verb):
    arguments = (verb, "autoencoder") if verb == "train" else (verb,)
    told = tconv(*arguments, "--help").stdout
    assert "Example" in told
    assert f"tconv {verb}" in told


def test_the_version_is_said():
    import tconv as package

    assert tconv("--version").stdout == f"tconv {package.__version__}\n"


BAD_WORDS = {
    "train filters": (["train", "autoencoder", "--filters", "a,b"], "filters: is 'a,b'"),
    "train no filters": (["train", "autoencoder", "--filters", "0"], "filters is 0"),
    "train huge": (["train", "autoencoder", "--filters", "1000000000"], "GiB; this machine has"),
    "train epochs": (["train", "autoencoder", "--epochs", "0"], "epochs is 0"),
    "train batch": (["train", "autoencoder", "--batch-size", "0"], "batch_size is 0"),
    "train backend": (["train", "autoencoder", "--backend", "theano"], "backend is 'theano'"),
    "train nowhere": (["train", "autoencoder", "--data", "nowhere"], "there is no such file or folder"),
    "resume nothing": (["train", "autoencoder", "--resume", "nowhere"], "there is no such checkpoint"),
    "resume elsewhere": (["train", "autoencoder", "--resume", "a", "--out", "b"], "leave --out out"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_WORDS.values(), ids=BAD_WORDS)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says):
    assert says in refused(*arguments)


def test_an_unknown_option_or_verb_is_exit_code_2_without_a_traceback():
    for arguments in (["sovle"], ["info", "--jsno"], ["solve", "7"], ["train", "nothing"]):
        result = tconv(*arguments)
        assert result.returncode == 2
        assert "Traceback" not in result.stderr


def test_a_reader_that_stops_reading_is_no_error():
    process = subprocess.Popen([*COMMAND, "solve", "7", "28", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert "Traceback" not in process.stderr.read().decode()
    process.stderr.close()
    process.wait()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("keras")
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(12):
        image.effect_noise((28, 28), 20 + 8 * number).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mine"
    result = tconv("train", "autoencoder", "--data", pictures, "--epochs", 2, "--filters", "2", "--out", folder)
    assert result.returncode == 0, result.stderr
    assert "epoch   2/2  loss " in result.stderr
    assert result.stdout.startswith("binary cross-entropy ")
    return folder


def test_a_training_leaves_checkpoint_model_facts_and_report(run):
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint.npz", "facts.json", "model.keras", "report.html"]
    facts = json.loads((run / "facts.json").read_text())
    assert len(facts["history"]) == 2
    assert facts["settings"]["filters"] == [2]
    assert "</html>" in (run / "report.html").read_text()


def test_a_finished_run_is_neither_overwritten_nor_resumed_with_other_settings(run, pictures):
    before = (run / "checkpoint.npz").read_bytes()
    assert "holds a run already" in refused("train", "autoencoder", "--data", pictures, "--out", run)
    assert "started with filters=2" in refused("train", "autoencoder", "--resume", run, "--filters", "3")
    assert (run / "checkpoint.npz").read_bytes() == before


@pytest.mark.parametrize("option", ["--out", "--data"])
def test_a_file_in_the_way_is_one_line(option, tmp_path, pictures):
    (tmp_path / "file").write_text("text")
    given = {"--data": pictures, "--out": tmp_path / "run", option: tmp_path / "file" / "below"}
    told = refused("train", "autoencoder", *(word for pair in given.items() for word in pair))
    assert str(tmp_path / "file") in told


def here(*arguments):
    """The same as `tconv`, in this process, which has imported Keras already."""
    said, told = io.StringIO(), io.StringIO()
    with (mock.patch.object(sys, "argv", ["tconv", *map(str, arguments)]), redirect_stdout(said),
          redirect_stderr(told)):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
    return subprocess.CompletedProcess(arguments, code, said.getvalue(), told.getvalue())


refused_here = partial(refused, run=here)


def test_apply_reconstructs_each_picture_and_lays_them_side_by_side(run, pictures, tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "other").mkdir()
    image.new("RGB", (90, 50), "white").save(tmp_path / "other" / "00.png")
    result = here("apply", run, pictures / "00.png", tmp_path / "other" / "00.png", "-o", tmp_path / "seen")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == [
        "00-2-reconstructed.png", "00-reconstructed.png", "side-by-side.png"]
    assert image.open(tmp_path / "seen" / "00-2-reconstructed.png").size == (28, 28)
    again = here("apply", run, pictures / "00.png", "-o", tmp_path / "seen")
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_apply_never_overwrites_what_it_reads(run, tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("L", (28, 28)).save(tmp_path / "a.png")
    image.new("L", (28, 28)).save(tmp_path / "a-reconstructed.png")
    before = (tmp_path / "a-reconstructed.png").read_bytes()
    told = here("apply", run, tmp_path, "-o", tmp_path, "--overwrite")
    assert "a-reconstructed.png: is one of the files to read" in told.stderr
    assert (tmp_path / "a-reconstructed.png").read_bytes() == before


def test_apply_names_the_picture_that_is_none_and_goes_on_with_the_others(run, pictures, tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    told = here("apply", run, tmp_path, pictures / "00.png", "-o", tmp_path / "seen")
    assert told.returncode == 1
    assert "a.png: cannot be read as a picture" in told.stderr
    assert f"1 of 2 inputs gave nothing: {tmp_path / 'a.png'}" in told.stderr
    assert (tmp_path / "seen" / "00-reconstructed.png").exists()
    assert here("apply", run, tmp_path / "a.png", "-o", tmp_path / "none").returncode == 2
    assert "b.png: there is no such file" in refused_here("apply", run, tmp_path / "b.png", "-o", tmp_path / "unmade")
    assert not (tmp_path / "unmade").exists()


def test_apply_takes_folders_and_patterns_each_file_once(run, pictures, tmp_path):
    told = here("apply", run, pictures, pictures / "0*.png", "-o", tmp_path / "seen", "--json")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["input"] for row in rows] == [str(pictures / f"{number:02}.png") for number in range(12)]
    assert all(row["mean squared difference"] >= 0 for row in rows)


def test_apply_says_what_a_run_can_do(run, pictures, tmp_path):
    assert "it has reconstruct: " in refused_here("apply", run, pictures, "-o", tmp_path / "seen", "--as", "magic")
    assert "give files, folders or patterns" in refused_here("apply", run, "-o", tmp_path / "seen")
    assert "--samples is for runs" in refused_here("apply", run, pictures, "-o", tmp_path / "seen", "--samples", 3)


def test_stopping_by_hand_says_how_to_go_on(pictures, tmp_path):
    run = tmp_path / "run"
    settings = ["--data", str(pictures), "--filters", "2", "--epochs", "100000", "--out", str(run)]
    command = [*COMMAND, "train", "autoencoder", *settings]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (run / checkpoint.NAME).exists():
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"go on with: tconv train autoencoder --resume {run}" in told
    assert "Traceback" not in told
