"""Which cases of the fault catalogue are shown, and by which test.

A test is labelled by a comment (`# A12, A13`), a fault of the table by its first argument: these are read off the
files. Tests that are about something wider than a case are named here instead, and must exist.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parents[1]
TESTS = HERE.parent
CASE = r"[A-O]\d\d"
COMMENT = re.compile(rf"# ({CASE}(?:, {CASE})*)$")
FAULT = re.compile(rf'"({CASE})"')

HEAD = "service/server/test_transport.py::test_a_bad_head_is_answered_once_by_a_problem_and_closed"
ADMISSION, KEYS, OIP = (
    "service/pipeline/test_admission.py",
    "service/pipeline/test_auth.py",
    "service/routes/test_inference.py",
)
NPY, NPZ = "service/uploads/test_formats.py", "service/uploads/test_binary.py"
SHOWN_BY = {
    "A01": f"{HEAD}[a negative length]",
    "A02": f"{HEAD}[two lengths]",
    "A03": f"{HEAD}[a length and chunks, with a request inside]",
    "A06": f"{HEAD}[bare line feeds]",
    "A07": f"{HEAD}[no host]",
    "A08": f"{HEAD}[a header that never ends]",
    "A09": f"{HEAD}[a long URL]",
    "A10": f"{HEAD}[half a head]",
    "A11": "service/server/test_transport.py::test_clients_that_drip_do_not_hold_up_others",
    "A12": "service/server/test_transport.py::test_a_body_that_stalls_is_answered_and_closed",
    "A18": f"{ADMISSION}::test_who_goes_away_half_way_gives_back_and_is_logged_without_a_traceback",
    "A21": "service/server/test_transport.py::test_tls_spoken_to_the_plain_port_leaves_no_traceback",
    "A23": "service/server/test_transport.py::test_a_refusal_leaves_the_connection_open_for_the_next_request",
    "D16": f"{NPY}::test_every_dtype_and_byte_order_is_read_right",
    "D19": f"{NPZ}::test_a_hostile_npz_is_refused[a size that lies]",
    "E05": f"{NPZ}::test_every_dtype_that_the_library_writes_is_read",
    "G01": f"{OIP}::test_a_wrong_request_is_refused_as_both_protocols_have_it[no shape]",
    "G02": f"{OIP}::test_a_wrong_request_is_refused_as_both_protocols_have_it[a size that lies]",
    "G04": f"{OIP}::test_a_wrong_request_is_refused_as_both_protocols_have_it[10^18 numbers]",
    "G07": f"{OIP}::test_a_header_length_that_cannot_be_is_refused",
    "K04": f"{KEYS}::test_a_key_does_what_its_scopes_say",
    "K11": "service/observability/test_logs.py::test_an_id_that_could_do_harm_is_replaced",
    "L03": f"{ADMISSION}::test_while_memory_is_reserved_the_next_waits_and_is_shed_and_probes_are_answered",
    "L07": "service/server/test_lifecycle.py::test_a_killed_worker_is_replaced_and_only_what_it_had_under_way_fails",
    "O05": "service/routes/test_docs.py::test_every_example_works_as_it_stands",
}

NOT_HERE = {
    "no jobs yet": re.compile(r"J\d\d"),
    "Ray is not built": re.compile(r"N\d\d"),
    "needs a GPU": re.compile(r"L0[89]"),
    "Arrow and Parquet have tests of their own": re.compile(r"F\d\d"),
    "no client and no command line yet": re.compile(r"O0[69]"),
    "needs an image: tests/compose": re.compile(r"M0[679]|M11"),
    "takes an hour: benchmarks/soak.py": re.compile(r"L13"),
    "takes minutes: tests/fuzz": re.compile(r"O10"),
}


def labels() -> dict[str, set[str]]:
    """Return the cases that tests are labelled with, each with the files it stands in."""
    files_by_label: dict[str, set[str]] = {}
    for file in HERE.rglob("*.py"):
        if file != Path(__file__):
            for case in _labels(file):
                files_by_label.setdefault(case, set()).add(file.name)
    return files_by_label


def _labels(file: Path) -> Iterator[str]:
    opened = False
    for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline):
        if token.type == tokenize.COMMENT and (several := COMMENT.match(token.string)):
            yield from several[1].split(", ")
        elif opened and (one := FAULT.fullmatch(token.string)):
            yield one[1]
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            opened = token.string == "("


def elsewhere(case: str) -> str | None:
    """Return why a case is not for these tests to show; None where it is."""
    return next((reason for reason, cases in NOT_HERE.items() if cases.fullmatch(case)), None)
