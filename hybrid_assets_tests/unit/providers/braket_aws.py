"""Amazon Braket and S3 behind the genuine boto3 clients, in this process: requests are answered instead of sent.

Tasks are executed by Braket's own simulator, results are written by the SDK's own schemas. Faults are served in turn.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import boto3
import numpy as np
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from hybrid_assets.providers._braket_options import AwsOptions
from hybrid_assets.providers._braket_service import Clients

REGION = "eu-north-1"
DEVICE = f"arn:aws:braket:{REGION}::device/qpu/iqm/Garnet"
OPTIONS = {
    "device": DEVICE,
    "s3_bucket": "amazon-braket-results",
    "s3_prefix": "nightly/",
    "price_per_task": 0.30,
    "price_per_shot": 0.00145,
}
GATES = ["ccnot", "cnot", "cz", "h", "rx", "ry", "rz", "x", "v", "xx", "yy", "zz", "prx", "swap"]


def options(**changes) -> AwsOptions:
    """Return parsed options."""
    known = {**OPTIONS, "device_arn": DEVICE, "region": REGION, "profile": None, "s3_prefix": "nightly", **changes}
    del known["device"]
    return AwsOptions(**known)


def capabilities(*, qubits=(1, 2, 3, 5), sets=True, physical=True, fidelity=0.99, updated_at="2026-11-23T22:00:00"):
    """Return a device's description as the service gives it: a line of qubits, checked by the SDK's own schema."""
    from braket.device_schema.iqm import IqmDeviceCapabilities

    edges = list(pairwise(qubits))
    action = {
        "braket.ir.openqasm.program": {
            "actionType": "braket.ir.openqasm.program",
            "version": ["1"],
            "supportedOperations": GATES,
            "supportPhysicalQubits": physical,
        }
    }
    if sets:
        action["braket.ir.openqasm.program_set"] = {
            "actionType": "braket.ir.openqasm.program_set",
            "version": ["1"],
            "maximumExecutables": 8,
            "maximumTotalShots": 20_000,
        }
    content = {
        "braketSchemaHeader": {"name": "braket.device_schema.iqm.iqm_device_capabilities", "version": "1"},
        "service": {
            "braketSchemaHeader": {"name": "braket.device_schema.device_service_properties", "version": "1"},
            "executionWindows": [],
            "shotsRange": [1, 10_000],
            "updatedAt": updated_at,
        },
        "action": action,
        "deviceParameters": {},
        "paradigm": {
            "braketSchemaHeader": {
                "name": "braket.device_schema.gate_model_qpu_paradigm_properties",
                "version": "1",
            },
            "connectivity": {"fullyConnected": False, "connectivityGraph": {str(a): [str(b)] for a, b in edges}},
            "qubitCount": len(qubits),
            "nativeGateSet": ["cz", "prx"],
        },
        "standardized": {
            "braketSchemaHeader": {
                "name": "braket.device_schema.standardized_gate_model_qpu_device_properties",
                "version": "1",
            },
            "oneQubitProperties": {
                str(q): {
                    "T1": {"value": 40.0, "standardError": None, "unit": "us"},
                    "T2": {"value": 1.5e-5, "standardError": None, "unit": "S"},
                    "oneQubitFidelity": [
                        {"fidelityType": {"name": "RANDOMIZED_BENCHMARKING"}, "fidelity": 0.999},
                        {"fidelityType": {"name": "READOUT"}, "fidelity": 0.97},
                    ],
                }
                for q in qubits
            },
            "twoQubitProperties": {
                f"{a}-{b}": {
                    "twoQubitGateFidelity": [
                        {"gateName": "CZ", "fidelity": fidelity, "fidelityType": {"name": "RANDOMIZED_BENCHMARKING"}}
                    ]
                }
                for a, b in edges
            },
        },
    }
    return IqmDeviceCapabilities.parse_raw(json.dumps(content)).json()


@dataclass
class Answer:
    """What the service answers instead of doing what it was asked."""

    code: str
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)
    #: Whether it is done all the same.
    after: bool = False


@dataclass
class FakeAws:
    """The service; ``faults`` holds, by operation, what comes next: an `Answer`, an exception, or None for nothing."""

    capabilities: str = field(default_factory=capabilities)
    #: Whether the parts of a program set's result are files of their own.
    has_files: bool = True
    #: Statuses a task goes through, one a question.
    life: tuple[str, ...] = ("QUEUED", "RUNNING", "COMPLETED")
    faults: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    tasks: dict[str, dict] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, dict]] = field(default_factory=list)
    #: Most tasks of one page of a search.
    page: int = 100

    def connect(self, wanted: AwsOptions) -> Clients:
        """Return genuine clients whose requests come here; the same ones for all, which take a second to make."""
        clients, receiver = _clients(wanted.region)
        receiver.clear()
        receiver.append(self)
        return clients

    def serve(self, clients: Clients) -> None:
        """Answer the requests of these clients."""
        clients.braket.meta.events.register("before-send.braket", self.braket)
        clients.s3.meta.events.register("before-send.s3", self.s3)

    def count(self, operation: str) -> int:
        """Return how many requests of an operation arrived."""
        return sum(name == operation for name, _ in self.calls)

    def braket(self, request, **_):
        """Answer a request to Braket."""
        path = unquote(urlsplit(request.url).path)
        body = json.loads(request.body) if request.body else {}
        if request.method == "POST" and path == "/quantum-task":
            return self._reply(request, "create", body, self._create)
        if request.method == "POST" and path == "/quantum-tasks":
            return self._reply(request, "search", body, self._search)
        if path.startswith("/device/"):
            return self._reply(request, "device", {}, self._device)
        arn = path.removeprefix("/quantum-task/").removesuffix("/cancel")
        if request.method == "PUT":
            return self._reply(request, "cancel", {"arn": arn}, self._cancel)
        return self._reply(request, "get", {"arn": arn}, self._get)

    def _reply(self, request, operation, body, act):
        self.calls.append((operation, body))
        fault = self.faults[operation].pop(0) if self.faults[operation] else None
        if fault is None or (isinstance(fault, Answer) and fault.after) or getattr(fault, "after", False):
            result = act(body)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None or isinstance(result, str):
            fault = fault or Answer(result)
            headers = {"x-amzn-errortype": fault.code, **fault.headers}
            return _response(request, fault.status, json.dumps({"message": f"about {fault.code}"}), headers)
        return _response(request, 200, json.dumps(result))

    def _create(self, body):
        known = [arn for arn, task in self.tasks.items() if task["token"] == body["clientToken"]]
        if known:
            return {"quantumTaskArn": known[0]}
        arn = f"arn:aws:braket:{REGION}:123456789012:quantum-task/{len(self.tasks):04}"
        at = datetime.now(UTC) + timedelta(milliseconds=len(self.tasks))
        self.tasks[arn] = {"token": body["clientToken"], "body": body, "left": list(self.life), "createdAt": at}
        self.tasks[arn]["status"] = "CREATED"
        return {"quantumTaskArn": arn}

    def _summary(self, arn):
        task = self.tasks[arn]
        found = {
            "quantumTaskArn": arn,
            "status": task["status"],
            "deviceArn": task["body"]["deviceArn"],
            "shots": task["body"]["shots"],
            "outputS3Bucket": task["body"]["outputS3Bucket"],
            "outputS3Directory": f"{task['body']['outputS3KeyPrefix']}/{arn.rsplit('/')[-1]}",
            "createdAt": task["createdAt"].isoformat(),
            "tags": task["body"]["tags"],
        }
        if "endedAt" in task:
            found["endedAt"] = task["endedAt"].isoformat()
        return found

    def _get(self, body):
        if body["arn"] not in self.tasks:
            return "ResourceNotFoundException"
        task = self.tasks[body["arn"]]
        if task["left"]:
            task["status"] = task["left"].pop(0)
            if not task["left"]:
                task["endedAt"] = datetime.now(UTC)
                if task["status"] == "COMPLETED":
                    self._execute(body["arn"])
        waits = task["status"] == "QUEUED"
        return {
            **self._summary(body["arn"]),
            "deviceParameters": "{}",
            "queueInfo": {"queue": "QUANTUM_TASKS_QUEUE", "position": ">2000" if waits else "None"},
            **({"failureReason": "the cryostat is warm"} if task["status"] == "FAILED" else {}),
        }

    def _search(self, body):
        wanted = {item["name"]: item["values"][0] for item in body["filters"]}
        since = datetime.fromisoformat(wanted["createdAt"]) if "createdAt" in wanted else None
        found = [
            self._summary(arn)
            for arn, task in reversed(self.tasks.items())
            if task["body"]["deviceArn"] == wanted["deviceArn"] and (since is None or task["createdAt"] >= since)
        ]
        start = int(body.get("nextToken", 0))
        rest = {"nextToken": str(start + self.page)} if start + self.page < len(found) else {}
        return {"quantumTasks": found[start : start + self.page], **rest}

    def _cancel(self, body):
        task = self.tasks[body["arn"]]
        if not task["left"]:
            return "ConflictException"
        task["status"], task["left"] = "CANCELLING", ["CANCELLED"]
        return {"quantumTaskArn": body["arn"], "cancellationStatus": "CANCELLING"}

    def _device(self, _):
        return {
            "deviceArn": DEVICE,
            "deviceName": "Garnet",
            "providerName": "IQM",
            "deviceType": "QPU",
            "deviceStatus": "ONLINE",
            "deviceCapabilities": self.capabilities,
            "deviceQueueInfo": [{"queue": "QUANTUM_TASKS_QUEUE", "queueSize": "12", "queuePriority": "Normal"}],
        }

    def _execute(self, arn):
        body, at = self.tasks[arn]["body"], self._summary(arn)["outputS3Directory"]
        result = executed(body["action"], body["shots"])
        if self.has_files and "programResults" in result:
            for i, part in enumerate(result["programResults"]):
                names = [f"executables/{j}.json" for j in range(len(part["executableResults"]))]
                for name, executable in zip(names, part["executableResults"], strict=True):
                    self.objects[f"{at}/programs/{i}/{name}"] = json.dumps(executable)
                self.objects[f"{at}/programs/{i}/program.json"] = json.dumps(part["source"])
                content = {**part, "executableResults": names, "source": "program.json"}
                self.objects[f"{at}/programs/{i}/results.json"] = json.dumps(content)
            self.objects[f"{at}/metadata.json"] = json.dumps(result["taskMetadata"])
            result["programResults"] = [f"programs/{i}/results.json" for i in range(len(result["programResults"]))]
            result |= {"taskMetadata": "metadata.json", "s3Location": [body["outputS3Bucket"], at]}
        self.objects[f"{at}/results.json"] = json.dumps(result)

    def s3(self, request, **_):
        """Answer a request to S3."""
        key = unquote(urlsplit(request.url).path).removeprefix(f"/{OPTIONS['s3_bucket']}").lstrip("/")
        self.calls.append(("read", {"key": key}))
        fault = self.faults["read"].pop(0) if self.faults["read"] else None
        if isinstance(fault, Exception):
            raise fault
        if fault is not None or key not in self.objects:
            fault = fault or Answer("NoSuchKey", 404)
            text = f"<Error><Code>{fault.code}</Code><Message>about {fault.code}</Message></Error>"
            return _response(request, fault.status, text, fault.headers)
        return _response(request, 200, self.objects[key])


@cache
def _clients(region: str) -> tuple[Clients, list[FakeAws]]:
    """Return clients and the list whose only entry answers them."""
    session = boto3.Session(aws_access_key_id="no", aws_secret_access_key="key", region_name=region)  # noqa: S106
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    clients = Clients(braket=session.client("braket", config=once), s3=session.client("s3", config=once))
    receiver: list[FakeAws] = []

    def braket(**request):
        return receiver[0].braket(**request)

    def s3(**request):
        return receiver[0].s3(**request)

    clients.braket.meta.events.register("before-send.braket", braket)
    clients.s3.meta.events.register("before-send.s3", s3)
    return clients, receiver


@cache
def _simulator():
    from braket.default_simulator import StateVectorSimulator

    return StateVectorSimulator()


def executed(action: str, shots: int) -> dict:
    """Return the result of an action as the SDK writes it, from Braket's own simulator."""
    from braket.ir.openqasm import Program, ProgramSet

    is_set = "program_set" in json.loads(action)["braketSchemaHeader"]["name"]
    parsed = (ProgramSet if is_set else Program).parse_raw(action)
    return json.loads(_simulator().run(parsed, shots=shots).json())


def assert_sampled(counts, exact, shots: int) -> None:
    """Check unseeded counts against their distributions, shape (rows, outcomes).

    By Bernstein's inequality a count is further than ``sqrt(2 v L) + L / 3`` from its mean with a chance of at most
    ``2 exp(-L)``, v its variance: L = 26 makes that 1e-11 an outcome, for any distribution.
    """
    for row, distribution in enumerate(exact):
        seen = np.zeros(distribution.size)
        outcomes, times = counts.row(row)
        seen[outcomes.astype(int)] = times
        allowed = np.sqrt(2 * shots * distribution * (1 - distribution) * 26) + 26 / 3
        assert np.all(np.abs(seen - shots * distribution) <= allowed), (row, seen, shots * distribution)


class _Raw(io.BytesIO):
    def stream(self, **_):
        yield self.read()


def _response(request, status, text, headers=None):
    content = text.encode()
    about = {"content-length": str(len(content)), "content-type": "application/json", **(headers or {})}
    return AWSResponse(request.url, status, about, _Raw(content))
