"""An Apache Kafka that asks for TLS, a client certificate and a password."""

import subprocess
from pathlib import Path

from tests.servers.kafka import KafkaServer


def certificates(folder: Path) -> Path:
    """A CA, and a certificate of it for the broker and one for the client."""
    folder.mkdir()

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    for name in ("broker", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", "csr", "-subj", f"/CN={name}")
        (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\n")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions")
        openssl("x509", "-req", "-in", "csr", "-out", f"{name}.pem", *signed)
    (folder / "broker.both.pem").write_text((folder / "broker.key").read_text() + (folder / "broker.pem").read_text())
    return folder


def secure_server(folder: Path, files: Path, port: int) -> KafkaServer:
    """A broker with a second listener that demands a client certificate and a password."""
    server = KafkaServer(
        folder,
        settings={
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(files / "broker.both.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(files / "ca.pem"),
            "listener.name.secure.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secure.plain.sasl.jaas.config": (
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                'username="admin" password="admin" user_tidewatch="canary-7f";'
            ),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL",
        },
    )
    for name in ("listeners", "advertised.listeners"):
        server._properties[name] += f",SECURE://127.0.0.1:{port}"
    return server
