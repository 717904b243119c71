from pathlib import Path

from tools.demo.record import normalised


def test_a_recording_does_not_tell_where_when_and_on_which_port_it_was_made() -> None:
    session = (
        "# Mount it  [12.3 s]\n"
        "$ cp /srv/clone/tools/demo/container.xml .\n"
        "$ vospace-server serve --port 45123 &\n"
        "http://127.0.0.1:45123/vault\n"
        "-rw-r----- 1 durand durand 2880 Dec  3 09:07 /tmp/vospace-demo-a1b_2c/x.fits\n"
    )

    assert normalised(session, Path("/srv/clone")) == (
        "# Mount it\n"
        "$ cp ~/vospace/tools/demo/container.xml .\n"
        "$ vospace-server serve --port 8080 &\n"
        "http://127.0.0.1:8080/vault\n"
        "-rw-r----- 1 durand durand 2880 Nov 20 12:00 ~/x.fits\n"
    )
