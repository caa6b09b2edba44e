"""What the service refuses, and the answer that a refusal becomes: application/problem+json (RFC 9457).

losses.errors.Refusal    422: the content is wrong
└── HttpRefusal          the same, with a status of its own
    ├── BadEnvelope      400: the body cannot be read at all
    ├── BadRequest       422: the body reads, and fields of it are wrong
    ├── BadRegion        422: shared memory that cannot be used
    ├── Unauthorized     401
    ├── Forbidden        403: the key may not do this
    ├── AddressNotAllowed 403: of a dataset
    ├── ForeignOrigin    403: a page of another site asks
    ├── BadHeaders       400: headers that contradict one another
    ├── NotFound         404: no such path
    ├── UnknownPath      404: a loss or a model in a path that is none
    ├── MethodNotAllowed 405
    ├── UnknownDataset   404
    ├── UnknownExperiment, UnknownEvaluation 404
    ├── UnknownRegion    404: of shared memory
    ├── RegionExists     409
    ├── IdempotencyKeyReused 409: with another body
    ├── NoReportYet      409: nothing is trained yet
    ├── RequestTimeout   408: the body stalled
    ├── TooLarge         413
    ├── RequestUriTooLong 414
    ├── UnsupportedFormat 415
    ├── QuotaExceeded    429
    ├── TooManyExperiments 429: as many wait as may
    ├── TemporaryReducedCapacity 503: shed
    ├── OutOfMemory, OutOfDeviceMemory, DeviceLost, TooManyConnections 503
    ├── Draining         503: the process ends
    ├── ComputeDeadline  504
    └── InsufficientStorage 507: the disk, or the quota of datasets or experiments, is full
"""

from service.problems.access import AddressNotAllowed, Forbidden, ForeignOrigin, QuotaExceeded, Unauthorized
from service.problems.answers import MEDIA_TYPE, answer, crash, raise_refusals, responses
from service.problems.capacity import (
    ComputeDeadline,
    DeviceLost,
    Draining,
    OutOfDeviceMemory,
    OutOfMemory,
    TemporaryReducedCapacity,
    TooManyConnections,
)
from service.problems.fields import Model, validated
from service.problems.refusal import HttpRefusal, http_status, slug, type_of
from service.problems.requests import (
    BadEnvelope,
    BadHeaders,
    BadRequest,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    RequestUriTooLong,
    TooLarge,
    UnknownPath,
    UnsupportedFormat,
)
from service.problems.stored import (
    BadRegion,
    IdempotencyKeyReused,
    InsufficientStorage,
    NoReportYet,
    RegionExists,
    TooManyExperiments,
    UnknownDataset,
    UnknownEvaluation,
    UnknownExperiment,
    UnknownRegion,
)

__all__ = [
    "MEDIA_TYPE",
    "AddressNotAllowed",
    "BadEnvelope",
    "BadHeaders",
    "BadRegion",
    "BadRequest",
    "ComputeDeadline",
    "DeviceLost",
    "Draining",
    "Forbidden",
    "ForeignOrigin",
    "HttpRefusal",
    "IdempotencyKeyReused",
    "InsufficientStorage",
    "MethodNotAllowed",
    "Model",
    "NoReportYet",
    "NotFound",
    "OutOfDeviceMemory",
    "OutOfMemory",
    "QuotaExceeded",
    "RegionExists",
    "RequestTimeout",
    "RequestUriTooLong",
    "TemporaryReducedCapacity",
    "TooLarge",
    "TooManyConnections",
    "TooManyExperiments",
    "Unauthorized",
    "UnknownDataset",
    "UnknownEvaluation",
    "UnknownExperiment",
    "UnknownPath",
    "UnknownRegion",
    "UnsupportedFormat",
    "answer",
    "crash",
    "http_status",
    "raise_refusals",
    "responses",
    "slug",
    "type_of",
    "validated",
]
