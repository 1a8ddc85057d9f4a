"""The tables of the suppliers."""

from .cases import MeterMonth, PlausibilityCase
from .catalogue import AcceleratorModel, GridFactor, HubArea
from .certificates import CertificateAllocation, GreenCertificate
from .closures import Closure
from .imports import ImportFile, ImportRow
from .inventory import Facility, Pool, PoolWindow
from .metering import (
    CounterReading,
    Meter,
    MeterEvent,
    MeterGap,
    MeterKey,
    MeterReading,
    MeterSource,
)
from .offers import Offer, PriceVersion
from .ratings import GreenRating, RatingBundle, RatingReminder

__all__ = [
    "AcceleratorModel",
    "CertificateAllocation",
    "Closure",
    "CounterReading",
    "Facility",
    "GreenCertificate",
    "GreenRating",
    "GridFactor",
    "HubArea",
    "ImportFile",
    "ImportRow",
    "Meter",
    "MeterEvent",
    "MeterGap",
    "MeterKey",
    "MeterMonth",
    "MeterReading",
    "MeterSource",
    "Offer",
    "PlausibilityCase",
    "Pool",
    "PoolWindow",
    "PriceVersion",
    "RatingBundle",
    "RatingReminder",
]
