"""The Chinese of the codes a fact may be, for those who read a reason. Pure.

A stored reason keeps the code, as it was computed and hashed; it is put in words when it is shown.
"""

import re
from collections.abc import Mapping

ENTITY_ZH = {
    "enterprise": "企业",
    "public_institution": "事业单位",
    "university": "高校",
    "research_institute": "科研机构",
    "maker": "创客",
    "intermediary": "算力中介服务机构",
    "one_person_company": "人工智能OPC",
    "platform": "算力平台",
    "provider": "算力供给方",
}
CHOICES_ZH: Mapping[str, Mapping[str, str]] = {
    "entity_type": ENTITY_ZH,
    "size": {"micro": "微型", "small": "小型", "medium": "中型", "large": "大型"},
    "project_grade": {"national": "国家级", "provincial": "省级", "none": "无"},
    "hardware_origin": {"domestic": "国产", "other": "其他"},
    "rate_bracket": {"high": "高档", "low": "低档"},
    "use_type": {
        "training": "训练",
        "inference": "推理",
        "application": "应用",
        "registered_model": "备案模型",
        "research": "科研",
        "other": "其他",
    },
    "voucher_kind": {
        "compute": "算力券",
        "smart": "智能券",
        "smart_matched": "智能券配套算力券",
        "smart_plus_compute": "智能券另行申请算力券",
        "model": "模型券",
        "corpus": "语料券",
    },
    "funding_level": {"city": "市级", "city_and_district": "市区两级"},
    "compute_kind": {
        "intelligent": "智能算力",
        "super": "超算算力",
        "general": "通用算力",
        "storage": "存储",
        "network": "网络",
        "security": "安全",
        "support_service": "配套服务",
        "model_service": "模型服务",
        "data_trade": "数据交易",
        "corpus": "语料",
        "self_built": "自建算力",
        "other": "其他",
    },
}


def in_words(text_zh: str, fact: str | None) -> str:
    """`text_zh` with the codes `fact` may be in Chinese; any other text as it is.

    >>> in_words("企业规模须为micro、small；实为 large", "size")
    '企业规模须为微型、小型；实为大型'
    """
    choices = CHOICES_ZH.get(fact or "", {})
    if not choices:
        return text_zh
    codes = "|".join(sorted(choices, key=len, reverse=True))
    found = re.compile(rf" ?(?<![A-Za-z_])({codes})(?![A-Za-z_])")
    return found.sub(lambda code: choices[code[1]], text_zh)
