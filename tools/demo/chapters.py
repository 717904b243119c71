"""What the demonstration does, chapter by chapter, in the words of a shell."""

from __future__ import annotations

from tools.demo.reference_tree import LARGE_DARK
from tools.demo.shell import Shell
from tools.demo.stage import REPOSITORY, Stage

DARK = f"mnt/data/hst-refer/{LARGE_DARK.folder}/{LARGE_DARK.file_name}"
BIAS = "hst-refer/oref/k5h1101io_bia.fits"
HEADER = """\
python -c '
from astropy.io import fits
with fits.open("{path}") as dark:
    dark.info()
    print(repr(dark["SCI", 2].header["CCDCHIP"]), dark["SCI", 2].data[1000, 2000:2003])'"""


def play(shell: Shell, stage: Stage) -> None:
    """All chapters in order; stops at the first command that fails."""
    make_files(shell)
    serve_space(shell, stage)
    store_files(shell)
    mount_space(shell)
    read_a_header(shell)
    copy_out(shell)
    calibrate(shell)
    change_things(shell)
    mount_again(shell)
    share_with_a_group(shell)
    exceed_the_quota(shell)


def make_files(shell: Shell) -> None:
    """The real frames, and the reference files that their headers name."""
    shell.say("Real HST frames, and the reference files that their headers name")
    shell.run("python -m tools.demo.real_frames raw && ls -l raw")
    shell.run("fitsheader -e 0 -k BIASFILE -k DARKFILE -k PFLTFILE raw/o4sp040b0_raw.fits")
    shell.run("python -m tools.demo.reference_tree hst-refer && du -sh hst-refer/*")


def serve_space(shell: Shell, stage: Stage) -> None:
    """A server, two people, a group, and an allocation with a quota."""
    shell.say("A server on SQLite and a local directory, two people, a group and a quota")
    shell.export(VOSPACE_DATA_DIR=str(stage.home / "space"))
    shell.serve(
        f"vospace-server serve --port {stage.port}", f"http://127.0.0.1:{stage.port}/readyz"
    )
    for user in ("durand", "okafor"):
        shell.run(f"echo 'a demonstration' | vospace-server user add {user} --password-stdin")
        shell.run(f"vospace-server user token {user} | tail -1 > {user}.token")
    shell.run("vospace-server group add HST-RO --owner durand")
    shell.run("vospace-server group add-member HST-RO okafor")
    shell.run("vospace-server allocation add /durand --owner durand --quota 2GiB")


def store_files(shell: Shell) -> None:
    """Containers and files by plain HTTP, as any program stores them."""
    shell.say("Store the files as any program does: HTTP PUT, here with curl")
    shell.run("echo $VAULT")
    shell.run('echo "Authorization: Bearer $(cat durand.token)" > durand.header')
    shell.run(f"cp {REPOSITORY}/tools/demo/*.xml . && cat shared.xml")
    shell.run(
        "curl -fsS -o /dev/null -H @durand.header -H 'Content-Type: text/xml' \\\n"
        "  -d @shared.xml $VAULT/nodes/durand"
    )
    shell.run(
        "for folder in data data/raw $(find hst-refer -type d | sort | sed s:^:data/:); do\n"
        '  sed "s:PATH:durand/$folder:" container.xml | curl -fsS -o /dev/null \\\n'
        "    -H @durand.header -H 'Content-Type: text/xml' -T - $VAULT/nodes/durand/$folder\n"
        "done"
    )
    shell.run(
        "find raw hst-refer -type f | xargs -P 4 -I{} curl -fsS -o /dev/null \\\n"
        "  -H @durand.header -T {} $VAULT/files/durand/data/{}"
    )
    # A folder's size is current within a second.
    shell.run("sleep 1")
    shell.run(
        'curl -fsS -H @durand.header "$VAULT/nodes/durand/data?limit=0" \\\n'
        "  | grep -o 'core#length[^/]*'"
    )


def mount_space(shell: Shell) -> None:
    """The mount, and the commands that everybody types first."""
    shell.say("Mount it, and use it as a disk")
    shell.run(
        "mkdir mnt && mountvofs vos:durand mnt --service $VAULT --token-file durand.token"
    )
    shell.run("ls -lrt mnt/data/hst-refer")
    shell.run("ls -lrt mnt/data/hst-refer/oref | tail -4")
    shell.run("df -h mnt")


def read_a_header(shell: Shell) -> None:
    """A header of the largest file, and what that brings over the wire."""
    shell.say("Read the second chip's header of a cold 168 MB file: a header costs a header")
    shell.run("vofs status mnt | grep -i wire")
    shell.run(HEADER.format(path=DARK))
    shell.run("vofs status mnt | grep -i wire")


def copy_out(shell: Shell) -> None:
    """One large file, and 240 small ones, which come many to a request."""
    shell.say("Copy: one file, and a tree of 240 small ones")
    shell.run(f"cp mnt/data/{BIAS} .")
    shell.run(f"md5sum {BIAS} k5h1101io_bia.fits")
    shell.run("cp -r mnt/data/hst-refer/comp . && find comp -type f | wc -l")
    shell.run("diff -r comp hst-refer/comp && echo no difference")
    shell.run("vofs status mnt")


def calibrate(shell: Shell) -> None:
    """The calibration of a raw frame over the mount, and on the local disk."""
    shell.say("Calibrate a raw STIS frame over the mount, and on the local disk: equal bytes")
    shell.run("vofs env --hst mnt/data/hst-refer | tee mounted.sh | grep oref")
    shell.run(
        "mkdir mnt/data/cal && . ./mounted.sh && otab=$oref \\\n"
        "  python -m tools.demo.calibrate \\\n"
        "    mnt/data/raw/o4sp040b0_raw.fits mnt/data/cal/o4sp040b0_flt.fits"
    )
    shell.run(
        "mkdir local && oref=~/hst-refer/oref/ otab=~/hst-refer/oref/ \\\n"
        "  python -m tools.demo.calibrate raw/o4sp040b0_raw.fits local/o4sp040b0_flt.fits"
    )
    shell.run("md5sum mnt/data/cal/o4sp040b0_flt.fits local/o4sp040b0_flt.fits")
    shell.run("cmp mnt/data/cal/o4sp040b0_flt.fits local/o4sp040b0_flt.fits && echo equal")


def change_things(shell: Shell) -> None:
    """Links, appends, renames over a file, and what the server has of them."""
    shell.say("Change things: the server has them when the file is closed")
    shell.run("ln -s data/cal/o4sp040b0_flt.fits mnt/latest.fits && ls -l mnt")
    shell.run("fitsheader -e 0 -k FLATCORR mnt/latest.fits")
    shell.run(
        "echo 'first try' > mnt/data/cal/notes.txt && echo 'it works' >> mnt/data/cal/notes.txt"
    )
    shell.run(
        "mv mnt/data/cal/notes.txt mnt/data/cal/README && rm mnt/latest.fits && ls mnt/data/cal"
    )
    shell.run("curl -fsSL -H @durand.header $VAULT/files/durand/data/cal/README")
    shell.run("fusermount -u mnt")


def mount_again(shell: Shell) -> None:
    """A second mount finds what the first one has fetched."""
    shell.say("Mount again: what was read once comes from the local cache")
    shell.run("mountvofs vos:durand mnt --service $VAULT --token-file durand.token")
    shell.run(f"md5sum {DARK} {DARK.replace('mnt/data/', '')}")
    shell.run("fusermount -u mnt")
    shell.run("mountvofs vos:durand mnt --service $VAULT --token-file durand.token")
    shell.run(f"md5sum {DARK} && vofs status mnt | grep -i wire")
    shell.run("fusermount -u mnt")


def share_with_a_group(shell: Shell) -> None:
    """A member of the group reads, and can't write; a stranger does not even read."""
    shell.say("okafor is in the group HST-RO and may read; a stranger may not")
    shell.run(
        "mkdir theirs && mountvofs vos:durand/data theirs --read-only \\\n"
        "  --service $VAULT --token-file okafor.token && ls theirs"
    )
    shell.run("fitsheader -e 0 -k TARGNAME theirs/raw/o4sp040b0_raw.fits")
    shell.run("touch theirs/raw/mine.fits || true")
    shell.run("fusermount -u theirs")
    shell.run("curl -sS $VAULT/files/durand/data/cal/README || true")


def exceed_the_quota(shell: Shell) -> None:
    """A file that is too large is refused before its first byte is sent."""
    shell.say("What does not fit the quota is refused before its first byte")
    shell.run("truncate -s 3G too-large.fits")
    shell.run(
        "curl -sS -H @durand.header -T too-large.fits \\\n"
        "  $VAULT/files/durand/data/too-large.fits || true"
    )
