"""A run under a debugger: it waits for one, serves it, and goes on when it leaves."""

from __future__ import annotations

from collections.abc import Callable

from drafthart.runtime.gdb.connection import Connection, Gone, Listener
from drafthart.runtime.gdb.stub import Ended, Stub
from drafthart.runtime.machine import Machine, Outcome, Terminal

_PATIENCE = 0.1
"""Seconds between looks at the terminal while the guest is halted."""


class Server:
    """Runs `machine` at a debugger's command. `say` tells the user who comes and goes."""

    def __init__(
        self, machine: Machine, terminal: Terminal, listener: Listener, say: Callable[[str], None]
    ) -> None:
        self._machine = machine
        self._terminal = terminal
        self._listener = listener
        self._say = say
        self._stub = Stub(machine)

    def run(self) -> Outcome:
        """Wait for a debugger before the first instruction; return when the run is over.

        A debugger that detaches leaves the guest running, and the next one halts it. One that
        breaks off leaves it halted.
        """
        outcome = None
        while outcome is None:
            connection = self._wait()
            if connection is None:
                return self._quit()
            try:
                ended = self._serve(connection)
            except Gone:
                self._say("the debugger left without detaching; the guest stays halted")
                continue
            finally:
                connection.close()
            match ended.how:
                case "detach":
                    outcome = self._run_freely()
                case "kill":
                    outcome = self._quit()
                case _:
                    outcome = ended.outcome
        return outcome

    def _wait(self) -> Connection | None:
        self._say(f"waiting for gdb: target remote {_shown(self._listener)}")
        while not self._terminal.quit:
            if self._listener.waiting(_PATIENCE):
                connection = self._listener.accept()
                if connection is not None:
                    return connection
            self._machine.poll_console()
        return None

    def _serve(self, connection: Connection) -> Ended:
        self._stub.attach()
        while True:
            packet = connection.receive(_PATIENCE)
            if self._listener.waiting():
                connection.check()
                self._listener.refuse()
            if packet is not None:
                answer = self._stub.answer(packet, connection)
                if isinstance(answer, Ended):
                    return answer
                if answer is not None:
                    connection.send(answer)
                continue
            self._machine.poll_console()
            if self._terminal.quit:
                connection.send(b"W00")
                return Ended("exit", self._quit())

    def _run_freely(self) -> Outcome | None:
        """Run without a debugger; None if one asks for the guest."""
        outcome = self._machine.run(interrupted=self._listener.waiting)
        return None if outcome.reason == "interrupted" else outcome

    def _quit(self) -> Outcome:
        return Outcome("quit", 0, self._machine.steps)


def _shown(listener: Listener) -> str:
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{host}:{listener.port}"
