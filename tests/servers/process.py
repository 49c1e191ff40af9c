"""One server process: started with its output in a log file, waited for, stopped or killed, and started again."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path


class ServerProcess:
    """Runs ``command`` and holds that it is up once ``answers()`` is true. ``environment``: None: that of the tests."""

    def __init__(
        self,
        command: list[str],
        log: Path,
        answers: Callable[[], bool],
        patience_s: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.command = command
        self.log = log
        self._answers = answers
        self._patience_s = patience_s
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait; RuntimeError with the end of the log when the server exits or stays silent."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
        try:
            self._wait(self._process)
        except BaseException:  # Ctrl-C too: nobody else would end the process
            self.kill()
            raise

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._patience_s
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command[0]} did not start. The end of {self.log}:\n{tail(self.log)}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Of the process; only while it is started."""
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is not running, by itself or because it was stopped."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait; kill it when it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None


def tail(log: Path, lines: int = 30) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
