"""Debian's kernel, busybox and firmware for riscv64, fetched by Debian's own tools and kept.

Nothing is installed: apt runs with a configuration of its own, and what is needed is taken out of
the packages. Which servers to ask, this machine's own sources say.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from drafthart.generator.errors import DrafthartError
from drafthart.linux.apt import Apt
from drafthart.linux.waiting import waiting
from drafthart.runtime.cache import cache_folder

KERNEL, BUSYBOX, FIRMWARE = "linux-image-riscv64", "busybox-static", "opensbi"

KVM, VIRTIO = "kvm.ko.xz", ("virtio_mmio.ko.xz", "virtio_blk.ko.xz")
"""Modules of the kernel's package."""

_WANTED: Mapping[str, Mapping[str, str]] = {
    KERNEL: {
        "Image": "boot/vmlinux-*",
        KVM: "usr/lib/modules/*/kernel/arch/riscv/kvm/kvm.ko.xz",
        "virtio_mmio.ko.xz": "usr/lib/modules/*/kernel/drivers/virtio/virtio_mmio.ko.xz",
        "virtio_blk.ko.xz": "usr/lib/modules/*/kernel/drivers/block/virtio_blk.ko.xz",
    },
    BUSYBOX: {"busybox": "usr/bin/busybox"},
    FIRMWARE: {"fw_dynamic.bin": "usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"},
}
"""Package → the name a file is kept under → where the package has it."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """The file of a package, and the package's name and version."""

    folder: Path
    package: str

    def file(self, name: str) -> Path:
        """One of the files kept of the package."""
        return self.folder / name


def fetch(names: Sequence[str], *, update: bool = False) -> dict[str, Kept]:
    """These packages: those kept from earlier, else, or with `update`, Debian's current ones.

    Raises DrafthartError where a package cannot be had.
    """
    store = cache_folder() / "linux"
    try:
        store.mkdir(parents=True, exist_ok=True)
        with _locked(store):
            kept = {} if update else _kept(store)
            missing = [name for name in names if name not in kept]
            if missing:
                kept |= _fetch(store, missing)
    except OSError as error:
        raise absent(f"{error.filename or store}: {error.strerror}") from None
    return {name: kept[name] for name in names}


def absent(reason: str) -> DrafthartError:
    """The error where there is no package, and what to do then."""
    return DrafthartError(
        f"Debian's packages for riscv64 cannot be had: {' '.join(reason.split())}; "
        "try again, or name files of your own: --kernel FILE --module FILE --busybox FILE "
        "--bios FILE"
    )


def _kept(store: Path) -> dict[str, Kept]:
    """What is there, whole."""
    try:
        recorded = json.loads((store / "packages.json").read_text(encoding="utf-8"))
        found = {name: Kept(store / stem, stem) for name, stem in recorded.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
    return {
        name: kept
        for name, kept in found.items()
        if name in _WANTED and all(kept.file(it).is_file() for it in _WANTED[name])
    }


def _fetch(store: Path, names: Sequence[str]) -> dict[str, Kept]:
    missing = [tool for tool in ("apt-get", "apt-cache", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        raise absent(f"this machine has no {' and no '.join(missing)}")
    downloads = store / "downloads"
    downloads.mkdir(exist_ok=True)
    apt = Apt(store / "apt", absent)
    apt.update()
    found = {}
    for name in names:
        # The kernel's package has no kernel, it names the current one.
        real = apt.first_dependency(name) if name == KERNEL else name
        archive = apt.download(real, downloads)
        found[name] = _unpack(archive, name, store)
        archive.unlink(missing_ok=True)
    recorded = {name: kept.package for name, kept in (_kept(store) | found).items()}
    _replace(store / "packages.json", json.dumps(recorded, indent=2) + "\n")
    for folder in store.glob("*_*_*"):
        if folder.is_dir() and folder.name not in recorded.values():
            shutil.rmtree(folder, ignore_errors=True)
    return found


def _unpack(archive: Path, name: str, store: Path) -> Kept:
    """Take what is wanted out of a package, all of it or nothing."""
    target = store / archive.stem
    work = Path(tempfile.mkdtemp(dir=store, prefix=".unpacking."))
    try:
        with waiting(f"Unpacking {archive.stem.partition('_')[0]}"):
            _extract(archive, _WANTED[name], work)
        shutil.rmtree(target, ignore_errors=True)
        work.chmod(0o755)
        work.replace(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return Kept(target, archive.stem)


def _extract(archive: Path, wanted: Mapping[str, str], target: Path) -> None:
    missing = dict(wanted)
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE, stderr=messages
        ) as process,
    ):
        assert process.stdout is not None
        broken = ""
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as members:
                for member in members:
                    path = PurePosixPath(member.name)
                    for name, pattern in missing.items():
                        if not (member.isreg() and path.match(pattern)):
                            continue
                        source = members.extractfile(member)
                        if source is not None:
                            with (target / name).open("wb") as file:
                                shutil.copyfileobj(source, file, _CHUNK)
                            del missing[name]
                            break
        except (tarfile.TarError, EOFError) as error:
            broken = str(error)
        while process.stdout.read(_CHUNK):
            pass
        status = process.wait()
        messages.seek(0)
        said = messages.read().decode("utf-8", "replace").strip().splitlines()
    if status or broken:
        archive.unlink(missing_ok=True)  # the next attempt fetches it anew
        raise absent(f"{archive.name} is damaged ({said[-1] if said else broken})")
    if missing:
        raise absent(f"{archive.name} has no {' and no '.join(missing.values())}")


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """One process at a time."""
    with (store / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with waiting("Another drafthart fetches the packages"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
