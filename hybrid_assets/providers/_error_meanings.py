"""What error codes of the IBM Runtime service say. Put words here; what a code lets us do is `_error_codes`'.

Source: the public list of error codes (API error codes of qiskit-ibm-runtime), told in short. A code of our table that
the list does not explain has no words here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTED = """
1000 internal error of the service
1001 the job is larger than the service takes
1002 the job is not valid on this backend
1003 the program could not be transpiled, or is not usable here
1004 the backend is not available
1005 the backend tells no basis gates
1006 converting the job failed
1007 there is no such backend
1008 validating the job failed
1009 the backend lacks information that is needed
1010 error at the backend
1011 the job could not be put into the backend's queue
1012 as many jobs run at once as are allowed
1102 more circuits than the backend takes in a job
1103 more shots than the backend takes
1105 more qubits than registers
1106 a gate is not among the backend's basis gates
1107 an instruction does not fit the backend's coupling map
1109 more qubits than the backend has
1200 not allowed to do this
1201 the credentials are wrong
1202 too many requests in a short time
1204 more tags than a job may have
1205 a tag is longer than allowed
1217 the session is closed
1291 there is no such job
1305 the job ran longer than its maximum execution time
1517 the circuit is not supported by the target
1999 planned outage
2000 there is no such backend
2001 the backend cannot be booked
2002 the backend is not available for this
2100 no address to upload the job to
2301 the program was not updated
2308 the user's role was not found
2310 exporting failed
2311 an image is wrong
2400 the service received wrong data
2402 too many requests at once
2404-2405 reading or saving data failed
2407 signing in is required
2408 the access token is not valid
2409-2411 not allowed to do this
2412 reading data failed
2600-2622 the backend is not there, not set up, or not allowed for this account
3200 the backend is not valid
3202-3203 no address to move the job's data to or from
3204 converting the job failed
3207 no access to this job
3208 the job could not be cancelled
3210 the job was not saved
3211 the job is not valid
3212 the job was not validated
3213-3214 the job is not in a state that allows this
3218 this number of shots is not allowed
3220 the payload is not valid
3226 the job's format is not valid
3233 the job could not be made
3234 the job could not be validated
3235 the job's cost could not be calculated
3236 the job is empty
3237 the job is invalid
3242 more circuits than a job may have
3243 the circuit is too big
3245-3246 the queue is disabled or not available
3248 the job is too long
3251 the job's data was not stored
3253 the result was not there in time
3265 the backend does not take this kind of input
3300 the job's data could not be fetched
3301 the job's data could not be stored
3458 as many jobs wait or run as are allowed
3459 the user is blocked for a few minutes
3704 the queue did not tell its status
4001 the job's session is closed
4317 the quota is used up
5201 the job ran out of time
5202 the job was cancelled
5203 running the job failed
5204 the simulator failed
5302 the result is too big
6000 too many shots
6002 too many circuits
7000 an instruction is not among the backend's basis gates
7001 an instruction is not supported
7002 single shots (memory) are not given
7003 qubits and classical bits differ in number
7004 a qubit is measured more than once
7005 an instruction is wrong
7006 a measured qubit is used again
8006-8007 a gate is not understood
8008 a gate joins qubits that are not connected
8020 the circuit takes longer than the repetition rate allows
9999 internal error of the service
"""


def _expanded(listed: str) -> dict[str, str]:
    found = {}
    for line in listed.split("\n")[1:-1]:
        codes, _, words = line.partition(" ")
        first, _, last = codes.partition("-")
        found.update({str(code): words for code in range(int(first), int(last or first) + 1)})
    return found


#: Code -> what it says.
MEANINGS: Mapping[str, str] = _expanded(_LISTED)
