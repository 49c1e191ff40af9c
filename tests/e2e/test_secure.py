"""A worker reaches a broker that demands TLS, a client certificate and a password, all of it from the environment."""

from pathlib import Path

from tests.e2e import events
from tests.e2e.pipeline import pipeline
from tests.servers.ports import free_ports
from tests.servers.secure import certificates, secure_server


def test_every_client_of_a_worker_speaks_tls_and_sasl(kafka: str, tmp_path: Path) -> None:
    files = certificates(tmp_path / "certificates")
    (tmp_path / "password").write_text("canary-7f\n")
    port = free_ports(1)[0]
    with (
        secure_server(tmp_path / "kafka", files, port) as server,
        pipeline(tmp_path, server.bootstrap_servers, partitions=2) as running,
    ):
        running.environment |= {
            "TIDEWATCH_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
            "TIDEWATCH_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "TIDEWATCH_KAFKA_SASL_MECHANISM": "PLAIN",
            "TIDEWATCH_KAFKA_USERNAME": "tidewatch",
            "TIDEWATCH_KAFKA_PASSWORD_FILE": str(tmp_path / "password"),
            "TIDEWATCH_KAFKA_CA_FILE": str(files / "ca.pem"),
            "TIDEWATCH_KAFKA_CERT_FILE": str(files / "client.pem"),
            "TIDEWATCH_KAFKA_KEY_FILE": str(files / "client.key"),
        }
        running.start()
        running.send("metrics", events.metric(1_700_000_000, "load", 1.0), b"not an event")

        running.wait(lambda: running.value("SELECT count() FROM raw_metrics") == 1, "the row")
        running.wait(lambda: running.value("SELECT count() FROM dead_letters") == 1, "the dead letter")
        running.stop()
        assert "canary" not in running.log.read_text()
