"""The service as docker-compose.yml deploys it: reachable, confined, limited."""

import json
import re
import time

import httpx
import pytest

from tests.compose.stack import VALUE, Stack, value

GRACE_SECONDS = 30  # stop_grace_period
NO_CAPABILITIES = "0" * 16
MEMORY, PROCESSES = 8 << 30, 2048  # mem_limit, pids_limit


def test_it_is_healthy_and_answers(up: Stack) -> None:
    ready = httpx.get(f"{up.url}/readyz")
    evaluated = value(up.url)

    assert up.container()["State"]["Health"]["Status"] == "healthy"
    assert ready.json() == {"status": "ready", "device": "cpu"}
    assert evaluated == VALUE


def test_it_listens_on_loopback_only(up: Stack) -> None:
    published = up.container()["NetworkSettings"]["Ports"]

    assert {port["HostIp"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_no_process_has_root_or_any_privilege(up: Stack) -> None:
    status = up.inside("sh", "-c", "cat /proc/[0-9]*/status")

    def values(field: str) -> set[str]:
        return set(re.findall(rf"^{field}:\t(.*)$", status, re.MULTILINE))

    assert "python" in values("Name")
    assert values("Uid") == values("Gid") == {"\t".join(["10001"] * 4)}
    assert values("CapEff") == values("CapPrm") == values("CapBnd") == {NO_CAPABILITIES}
    assert values("NoNewPrivs") == {"1"}


def test_only_tmp_can_be_written(up: Stack) -> None:
    up.inside("touch", "/tmp/file")  # noqa: S108 - the container's

    refused = up.run("exec", "-T", "--user", "0", "lossary", "touch", "/app/file")

    assert "Read-only file system" in refused.stderr


def test_memory_swap_and_processes_are_limited(up: Stack) -> None:
    files = ("memory.max memory/memory.limit_in_bytes", "pids.max pids/pids.max")  # cgroup 2, cgroup 1

    limits = up.inside("sh", "-c", "cd /sys/fs/cgroup; " + "; ".join(f"cat {pair} 2>&-" for pair in files) + "; true")
    engine = up.container()["HostConfig"]

    assert [int(limit) for limit in limits.split()] == [MEMORY, PROCESSES]
    assert engine["Memory"] == engine["MemorySwap"] == MEMORY  # memory and swap together: no swap


def test_it_is_compiled_before_it_starts(up: Stack) -> None:
    count = "find /app -name '*.py' | wc -l; find /app -name '*.pyc' | wc -l"

    sources, compiled = up.inside("sh", "-c", count).split()

    assert sources == compiled


def test_it_ends_by_itself_when_told_to_stop(up: Stack) -> None:
    started = time.monotonic()
    up.compose("stop", "lossary")

    assert time.monotonic() - started < GRACE_SECONDS
    assert up.container()["State"]["ExitCode"] in (0, 128 + 15)


def test_all_profiles_run_side_by_side(plain: Stack) -> None:
    services = json.loads(plain.compose("config", "--format", "json"))["services"]
    gpu, served = services["lossary-gpu"], [services[name] for name in ("lossary", "lossary-gpu", "proxy")]

    assert gpu["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    ]
    assert gpu["environment"]["LOSSARY_DEVICE"] == "cuda"
    confined = [{key: service[key] for key in ("read_only", "cap_drop", "security_opt")} for service in served]
    assert confined[0] == confined[1] == confined[2]


def test_without_a_driver_the_gpu_profile_says_so(plain: Stack) -> None:
    cpu_image = "services: {lossary-gpu: {image: 'lossary:cpu'}}"  # a start is refused before the image matters
    stack = Stack(plain.name, "lossary-gpu", cpu_image)

    refused = stack.run("up", "--detach", "--no-build", "lossary-gpu")

    if refused.returncode == 0:
        pytest.skip("this engine has an NVIDIA driver")
    assert 'could not select device driver "nvidia" with capabilities: [[gpu]]' in refused.stderr
