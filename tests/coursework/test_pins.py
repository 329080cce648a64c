"""Lines of ``requirements.txt``, and names of the file."""

import pytest

from vyvod.coursework.check.pins import faults, nearest


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.1.0",
        "numpy == 2.1.0  # arrays",
        "segmentation_models_pytorch==0.5.0",
        "uvicorn[standard]==0.30.0",
        "torch===2.11.0",
        'pywin32==306; sys_platform == "win32"',
        "certifi==2024.1.1 --hash=sha256:abc",
        "numpy==2.1.0 \\\n    --hash=sha256:abc",
        "--extra-index-url https://download.pytorch.org/whl/cu121\ntorch==2.5.0+cu121",
        "\ufeffnumpy==2.1.0",
        "--extra-index-url https://example.org/simple\nvyvod==0.1.0",
        f"vyvod @ git+https://example.org/vyvod@{'0a' * 20}",
        f"git+https://example.org/vyvod.git@{'0a' * 20}#egg=vyvod",
        'triton==3.6.0; sys_platform == "linux"',
        "nvidia-ml-py==12.0",
    ],
)
def test_pinned_lines_are_in_order(line: str) -> None:
    assert faults(f"# exact\n\n{line}\n") == []


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("numpy", "fail", "no exact version"),
        ("numpy>=2.0", "fail", "no exact version"),
        ("numpy~=2.0", "fail", "no exact version"),
        ("numpy==2.*", "fail", "no exact version"),
        ("sklearn==1.0", "fail", "cannot be installed by that name"),
        ("cv2==4.0", "fail", "cannot be installed by that name"),
        ("PIL==10.0", "fail", "cannot be installed by that name"),
        ("skimage==0.20", "fail", "cannot be installed by that name"),
        ("yaml==6.0", "fail", "cannot be installed by that name"),
        ("os==1.0", "fail", "a part of Python"),
        ("random", "fail", "a part of Python"),
        ("numpy=1.26.4=py311h64a7726_0", "fail", "as conda does"),
        ("numpy=1.26.4", "fail", "as conda does"),
        ("numpy @ file:///croot/numpy_1/work", "fail", "a file of one machine"),
        ("C:\\Users\\anna\\torch.whl", "fail", "a file of one machine"),
        ("./my_package", "fail", "a file of one machine"),
        ("-e .", "fail", "leads to another file"),
        ("-r other.txt", "fail", "leads to another file"),
        ("import numpy", "fail", "is no line of requirements.txt"),
        ("pip install torch", "fail", "is no line of requirements.txt"),
        ("git+https://github.com/a/b.git", "unknown", "is an address"),
        ("b @ git+https://github.com/a/b.git@v1", "unknown", "is an address"),
        ("torch==2.5.0+cu121", "unknown", "is not on PyPI"),
        ("vyvod==0.1.0", "unknown", "vyvod must be installable"),
        ("triton==3.6.0", "unknown", "not there for every system"),
        ("nvidia-cudnn-cu12 == 9.1.0", "unknown", "not there for every system"),
    ],
)
def test_lines_that_are_not(line: str, status: str, said: str) -> None:
    (one,) = faults(f"scipy==1.14.0\n{line}\n")
    assert (one.line, one.status) == (2, status)
    assert said in one.found
    assert one.cure


def test_libraries_of_one_system_are_told_together() -> None:
    (one,) = faults("".join(f"nvidia-x{number}==1.{number}\n" for number in range(5)))
    assert "nvidia-x2==1.2 and 2 more" in one.found
    assert 'nvidia-x0==1.0; sys_platform == "linux"' in one.cure


def test_a_file_without_lines() -> None:
    (one,) = faults("# nothing\n")
    assert one.found == "the file names no library"


@pytest.mark.parametrize(
    "name",
    [
        "requarements.txt",
        "requirments.txt",
        "requirement.txt",
        "Requirements.txt",
        "requirements.txt.txt",
        "reqirements",
        "requirements",
    ],
)
def test_misspelt_names_are_found(name: str) -> None:
    assert nearest(["README.md", "train.py", name]) == name
    assert nearest([name, "requirements.txt"]) == "requirements.txt"


@pytest.mark.parametrize("name", ["results.txt", "README.md", "report.txt", "requirements.py", "notes.txt"])
def test_other_files_are_not_taken_for_it(name: str) -> None:
    assert nearest([name]) is None
