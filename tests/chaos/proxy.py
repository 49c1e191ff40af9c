"""A proxy in front of ClickHouse's HTTP port, in which connections break, answers are late, and answers are lost."""

import asyncio
import threading
from contextlib import suppress

_CHUNK = 1 << 16


class Proxy:
    """Listens on ``port`` of 127.0.0.1 in a thread of its own, and passes everything to ``target``."""

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self.delay = 0.0
        """Seconds by which every answer is late."""
        self.lose = False
        """Requests reach ClickHouse, and answers nobody."""
        self.lost = 0
        """Answers to inserts that were lost."""
        self._away = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._call(self._listen())

    def away(self, away: bool) -> None:
        """Refuse connections, and break those that are open; or take them again."""
        self._call(self._refuse() if away else self._listen())

    def close(self) -> None:
        """Stop listening."""
        self._call(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        try:
            server, requests = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            answers.transport.abort()
            return
        connection = _Connection(self, answers)
        self._open |= {answers, requests}
        try:
            ways = (connection.ask(client, requests), connection.answer(server))
            await asyncio.wait([asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= {answers, requests}
            answers.transport.abort()
            requests.transport.abort()


class _Connection:
    def __init__(self, proxy: Proxy, answers: asyncio.StreamWriter) -> None:
        self._proxy, self._answers = proxy, answers
        self._inserting = False

    async def ask(self, client: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await client.read(_CHUNK):
                if data.startswith((b"POST", b"GET")):
                    self._inserting = b"INSERT" in data.partition(b"\r\n")[0]
                requests.write(data)
                await requests.drain()

    async def answer(self, server: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await server.read(_CHUNK):
                if self._proxy.delay:
                    await asyncio.sleep(self._proxy.delay)
                if self._proxy.lose:
                    self._proxy.lost += self._inserting
                    return
                self._answers.write(data)
                await self._answers.drain()
