"""The tables of the suppliers."""

from .cases import MeterMonth, PlausibilityCase
from .catalogue import AcceleratorModel, GridFactor, HubArea
from .certificates import CertificateAllocation, GreenCertificate
from .imports import ImportFile, ImportRow
from .inventory import Facility, Pool, PoolMaintenance, PoolWindow
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
    "PoolMaintenance",
    "PoolWindow",
    "PriceVersion",
    "RatingBundle",
    "RatingReminder",
]
