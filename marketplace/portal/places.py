"""Names of provinces (GB/T 2260, first two digits) in both languages."""

PROVINCES: dict[str, tuple[str, str]] = {
    "110000": ("Beijing", "北京"),
    "120000": ("Tianjin", "天津"),
    "130000": ("Hebei", "河北"),
    "140000": ("Shanxi", "山西"),
    "150000": ("Inner Mongolia", "内蒙古"),
    "210000": ("Liaoning", "辽宁"),
    "220000": ("Jilin", "吉林"),
    "230000": ("Heilongjiang", "黑龙江"),
    "310000": ("Shanghai", "上海"),
    "320000": ("Jiangsu", "江苏"),
    "330000": ("Zhejiang", "浙江"),
    "340000": ("Anhui", "安徽"),
    "350000": ("Fujian", "福建"),
    "360000": ("Jiangxi", "江西"),
    "370000": ("Shandong", "山东"),
    "410000": ("Henan", "河南"),
    "420000": ("Hubei", "湖北"),
    "430000": ("Hunan", "湖南"),
    "440000": ("Guangdong", "广东"),
    "450000": ("Guangxi", "广西"),
    "460000": ("Hainan", "海南"),
    "500000": ("Chongqing", "重庆"),
    "510000": ("Sichuan", "四川"),
    "520000": ("Guizhou", "贵州"),
    "530000": ("Yunnan", "云南"),
    "540000": ("Tibet", "西藏"),
    "610000": ("Shaanxi", "陕西"),
    "620000": ("Gansu", "甘肃"),
    "630000": ("Qinghai", "青海"),
    "640000": ("Ningxia", "宁夏"),
    "650000": ("Xinjiang", "新疆"),
}


def province_texts(adcode: str) -> dict[str, str]:
    """`text_en` and `text_zh` of the province an adcode lies in; the code itself when unknown."""
    english, chinese = PROVINCES.get(adcode[:2] + "0000", (adcode, adcode))
    return {"text_en": english, "text_zh": chinese}
