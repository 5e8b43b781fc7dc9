"""The paths of the application. No answer, error or log line ever holds a card number."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from softpos.acquirer import Card, UnknownCardError
from softpos.database import DatabaseUnavailableError
from softpos.health import Health
from softpos.payments import ConflictError, Document, NotFoundError, Payments
from softpos.sessions import SESSION_SECONDS, CacheUnavailableError, Sessions

LOG = logging.getLogger(__name__)
RETRY_SECONDS = "1"
LARGEST_AMOUNT = 100_000_000
QUIET_PATHS = ("/health", "/live")
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\w.-]{8,64}$")]
Reference = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Body(BaseModel):
    """Nothing that is not expected."""

    model_config = ConfigDict(extra="forbid")


class LogIn(Body):
    serial: str = Field(pattern=r"^[\w-]{1,40}$")
    activation_code: SecretStr = Field(min_length=8, max_length=64)


class Authorisation(Body):
    amount: int = Field(gt=0, le=LARGEST_AMOUNT)
    currency: str = Field(pattern="^[A-Z]{3}$")
    card_number: SecretStr = Field(min_length=12, max_length=19)


class Part(Body):
    """An amount in minor units; without one, all that is left."""

    amount: int | None = Field(default=None, gt=0, le=LARGEST_AMOUNT)


@dataclass(frozen=True)
class Parts:
    """What the paths work with."""

    payments: Payments
    sessions: Sessions
    health: Health


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Given = Annotated[Parts, Depends(_parts)]


def _bearer(authorization: Annotated[str, Header()] = "") -> str:
    return authorization.removeprefix("Bearer ")


Token = Annotated[str, Depends(_bearer)]


def _terminal(given: Given, token: Token) -> int:
    found = given.sessions.terminal(token) if token else None
    if found is None:
        raise HTTPException(401, "There is no such session; log in again.", {"WWW-Authenticate": "Bearer"})
    return found


Terminal = Annotated[int, Depends(_terminal)]
paths = APIRouter()


@paths.get("/health")
async def ready(given: Given) -> JSONResponse:
    """Readiness: 200 only when this instance can write to the database and keep sessions."""
    problems = given.health.problems
    return JSONResponse(problems or {"ready": True}, 503 if problems else 200)


@paths.get("/live")
async def live() -> dict[str, bool]:
    """The process answers; it says nothing of the database."""
    return {"live": True}


@paths.post("/sessions", status_code=201)
def log_in(given: Given, body: LogIn) -> Document:
    if not given.sessions.count_attempt(body.serial):
        raise HTTPException(429, "Too many attempts; try again in 30 minutes.")
    found = given.payments.log_in(body.serial, body.activation_code.get_secret_value())
    if found is None:
        raise HTTPException(401, "Serial or activation code is wrong.")
    given.sessions.forget_attempts(body.serial)
    return {"token": given.sessions.open(found), "expires_in": SESSION_SECONDS}


@paths.delete("/sessions", status_code=204)
def log_out(given: Given, token: Token) -> None:
    given.sessions.close(token)


@paths.post("/payments", status_code=201)
def authorise(given: Given, terminal: Terminal, key: Key, body: Authorisation) -> Document:
    card = Card(body.card_number.get_secret_value())
    return given.payments.authorise(terminal, key, card, body.amount, body.currency)


@paths.get("/payments/{reference}")
def payment(given: Given, terminal: Terminal, reference: Reference) -> Document:
    return given.payments.payment(terminal, reference)


@paths.post("/payments/{reference}/capture")
def capture(given: Given, terminal: Terminal, key: Key, reference: Reference, body: Part) -> Document:
    return given.payments.capture(terminal, key, reference, body.amount)


@paths.post("/payments/{reference}/refund")
def refund(given: Given, terminal: Terminal, key: Key, reference: Reference, body: Part) -> Document:
    return given.payments.refund(terminal, key, reference, body.amount)


@paths.post("/settlements", status_code=201)
def settle(given: Given, terminal: Terminal, key: Key) -> Document:
    return given.payments.settle(terminal, key)


@paths.get("/settlements")
def settlements(given: Given, terminal: Terminal) -> list[Document]:
    return given.payments.settlements(terminal)


def build(parts: Parts) -> FastAPI:
    """The application on its three parts."""
    api = FastAPI(title="SoftPOS", openapi_url=None, docs_url=None, redoc_url=None)
    api.state.parts = parts
    api.include_router(paths)
    api.add_middleware(Courteous, health=parts.health)
    _explain_errors(api)
    return api


def _explain_errors(api: FastAPI) -> None:
    def says(status: int, sentence: str, **headers: str) -> JSONResponse:
        return JSONResponse({"detail": sentence}, status, headers)

    @api.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        """Where and why; FastAPI's own answer would repeat what was sent, a card number among it."""
        found = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        return says(422, "; ".join(found))

    @api.exception_handler(UnknownCardError)
    async def unknown(_: Request, error: UnknownCardError) -> JSONResponse:
        return says(422, str(error))

    @api.exception_handler(NotFoundError)
    async def missing(_: Request, error: NotFoundError) -> JSONResponse:
        return says(404, str(error))

    @api.exception_handler(ConflictError)
    async def conflict(_: Request, error: ConflictError) -> JSONResponse:
        return says(409, str(error))

    @api.exception_handler(DatabaseUnavailableError)
    @api.exception_handler(CacheUnavailableError)
    async def away(_: Request, error: Exception) -> JSONResponse:
        LOG.warning("unavailable: %s", error)
        return says(
            503,
            "Not available; send the request again with the same idempotency key.",
            **{"Retry-After": RETRY_SECONDS},
        )


class Courteous:
    """Logs each request in one line, and asks clients to leave an instance that stops."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, told = time.monotonic(), {"status": 500}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                headers: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
                headers.append((b"cache-control", b"no-store"))
                if self._health.draining:
                    headers.append((b"connection", b"close"))
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            if scope["path"] not in QUIET_PATHS:
                _log(scope, told["status"], time.monotonic() - begun)


def _log(scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
    """Method, path, status and time; never a header, a query or a body."""
    route = scope.get("route")
    line = {
        "method": scope["method"],
        "path": getattr(route, "path", "unknown"),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    LOG.info("%s", json.dumps(line))
