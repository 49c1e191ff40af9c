"""docker-compose.yml and the Dockerfile: pinned, closed to other machines, in step with the settings of Tidewatch."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from streams.config import load

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
EXAMPLE = (ROOT / "deploy/.env.example").read_text()
PASSWORDS = re.findall(r"^(\w+_PASSWORD)=", EXAMPLE, re.M)
BASE = re.findall(r"^ARG BASE=(\S+)", (ROOT / "Dockerfile").read_text(), re.M)
STAGES = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.M)


def environment_of(service: str) -> dict[str, str]:
    """What a service's process sees, passwords and optional variables left out."""
    given = {name: str(value) for name, value in SERVICES[service].get("environment", {}).items()}
    return {name: value for name, value in given.items() if not value.startswith("${")}


@pytest.mark.parametrize("image", [*(service["image"] for service in SERVICES.values()), *BASE])
def test_an_image_is_pinned_to_an_exact_version(image):
    """`latest`, or a tag that moves, would make two installations differ."""
    assert re.fullmatch(r"[a-z./-]+:v?\d+\.\d+\.\d+(\.\d+)?(-[a-z-]+)?", image)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_bounded_and_closed(name):
    """Limited memory and logs, no privileges without a reason, ports on this machine only, a health check or an end."""
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["logging"]["options"]["max-size"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert name == "clickhouse" or "cap_add" not in service
    assert service["image"] != "tidewatch:0.1.0" or service["read_only"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert "privileged" not in service
    assert name == "worker" or service["healthcheck"]  # the worker's is in its image


def test_no_two_services_publish_the_same_port():
    """Each published port is named once."""
    ports = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    taken = [port for port in ports if port]
    assert len(taken) == len(set(taken))


def test_every_password_comes_from_the_environment_and_must_be_set():
    """No default to forget: each of .env.example is empty there, and compose stops with a sentence without it."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert len(PASSWORDS) == 4
    for name in PASSWORDS:
        assert re.search(rf"^{name}=$", EXAMPLE, re.M)
        assert f"${{{name}:?Set it in .env, see deploy/.env.example}}" in text
    given = [
        (key, value)
        for service in SERVICES.values()
        for key, value in service.get("environment", {}).items()
        if "PASSWORD" in key and not key.endswith("_FILE")
    ]
    assert given
    assert all(value.startswith("${") for _, value in given)
    assert {secret["environment"] for secret in COMPOSE["secrets"].values()} <= set(PASSWORDS)


def test_what_is_mounted_exists_and_every_volume_is_declared():
    """A path that is missing would be made a directory by Docker, silently."""
    for service in SERVICES.values():
        for source in (volume.split(":")[0] for volume in service.get("volumes", [])):
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", ["worker", "migrate"])
def test_tidewatch_accepts_the_settings_it_is_given(name):
    """The variables are settings of Tidewatch, and fit together; the addresses are those of services here."""
    config = load(environment=environment_of(name))
    assert config.clickhouse.url == "http://clickhouse:8123/tidewatch"
    assert Path(config.clickhouse.password_file).name in SERVICES[name]["secrets"]
    if name == "worker":
        hosts = [*config.kafka.bootstrap_servers, *(url.split("//")[1] for url in config.alertmanager.urls)]
        assert {host.split(":")[0] for host in hosts} <= set(SERVICES)
        assert config.http.host == "0.0.0.0"


def test_tidewatch_logs_in_as_a_user_that_clickhouse_has():
    """Users of the variables are users of users.xml, each with the task's password."""
    users = (ROOT / "deploy/clickhouse/users.xml").read_text()
    for name, task in (("worker", "writer"), ("migrate", "migrator")):
        assert environment_of(name)["TIDEWATCH_CLICKHOUSE_USERNAME"] == f"tidewatch_{task}"
        assert f"<tidewatch_{task}>" in users
        assert SERVICES[name]["secrets"] == [f"clickhouse_{task}_password"]


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is():
    """A user of its own, a health check on readiness, and every path it copies exists."""
    text = (ROOT / "Dockerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", final, re.M)
    assert "/readyz" in final
    assert STAGES == ["${BASE}", "${BASE}"]
    assert "apt-get install --yes --no-install-recommends" in final
    assert "rm -rf /var/lib/apt/lists/*" in final
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        for source in copied.split():
            assert source == "README.md" or (ROOT / source).exists()
            assert f"!{source}\n" in (ROOT / ".dockerignore").read_text()


def test_docker_compose_accepts_the_file(tmp_path):
    """`docker compose config`, with passwords set; and its refusal while one is empty."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("The compose file is also checked by Docker itself where the docker compose plugin is installed")
    command = [docker, "compose", "--file", ROOT / "docker-compose.yml", "--env-file", tmp_path / "env"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    (tmp_path / "env").write_text("".join(f"{name}=secret\n" for name in PASSWORDS))
    shown = subprocess.run([*command, "config", "--format", "json"], capture_output=True, env=environment, check=True)
    assert set(json.loads(shown.stdout)["services"]) == set(SERVICES)

    (tmp_path / "env").write_text("".join(f"{name}=secret\n" for name in PASSWORDS[1:]))
    refused = subprocess.run([*command, "config"], capture_output=True, env=environment, text=True)
    assert refused.returncode
    assert f"{PASSWORDS[0]}" in refused.stderr
    assert "Set it in .env" in refused.stderr
