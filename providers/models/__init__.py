"""The tables of the suppliers."""

from .catalogue import AcceleratorModel, GridFactor, HubArea
from .certificates import CertificateAllocation, GreenCertificate
from .inventory import Facility, Pool, PoolWindow
from .metering import Meter, MeterReading
from .offers import Offer, PriceVersion
from .ratings import GreenRating, RatingBundle

__all__ = [
    "AcceleratorModel",
    "CertificateAllocation",
    "Facility",
    "GreenCertificate",
    "GreenRating",
    "GridFactor",
    "HubArea",
    "Meter",
    "MeterReading",
    "Offer",
    "Pool",
    "PoolWindow",
    "PriceVersion",
    "RatingBundle",
]
