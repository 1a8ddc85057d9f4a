"""Facts as shipped: hub areas, grid factors, accelerators and the method of the green index.

Each is a readable YAML file beside a JSON Schema, read whole or refused whole (FactsFileError with
file, record, field and both texts). Unknown is None. Loaders are pure and cached::

    load_hubs() -> HubFacts                    21 areas
    load_grid_factors() -> GridFactors         .province(adcode, year), .province_newest(...)
    load_accelerators() -> AcceleratorCatalogue
    load_green_method() -> GreenMethod
    read_facts_file(path, schema_path) -> dict for facts of other rooms
"""

from .accelerators import Accelerator, AcceleratorCatalogue, Peak, load_accelerators
from .documents import FactsDocument, document_from
from .green_method import (
    DirectConnectionRules,
    GreenMethod,
    MethodItem,
    load_green_method,
)
from .grid_factors import (
    GridFactor,
    GridFactors,
    GridFactorUnknown,
    Notice,
    load_grid_factors,
)
from .hubs import HubArea, HubFacts, HubMetrics, load_hubs
from .read import FactsFileError, read_facts_file

__all__ = [
    "Accelerator",
    "AcceleratorCatalogue",
    "DirectConnectionRules",
    "FactsDocument",
    "FactsFileError",
    "GreenMethod",
    "GridFactor",
    "GridFactorUnknown",
    "GridFactors",
    "HubArea",
    "HubFacts",
    "HubMetrics",
    "MethodItem",
    "Notice",
    "Peak",
    "document_from",
    "load_accelerators",
    "load_green_method",
    "load_grid_factors",
    "load_hubs",
    "read_facts_file",
]
