"""What follows from Table 5: who can dispatch, and who overlaps with whom."""

from scheduling.platforms.facts import load_platforms


def test_platforms_whose_construction_only_started_cannot_dispatch():
    facts = load_platforms()
    assert [p.name for p in facts.platforms if not p.can_dispatch] == [
        "中国算力平台（宁夏）",
        "中国算力平台（青岛）",
        "中国算力平台（新疆）",
    ]


def test_the_three_platforms_in_henan_overlap_pairwise():
    facts = load_platforms()
    names = {p.seq: p.name for p in facts.platforms}
    henan = {names[p.seq] for p in facts.platforms if p.province_adcode == "410000"}
    assert henan == {"中国算力平台（河南）", "河南省算力调度服务平台", "郑州市算力调度服务平台"}
    assert set(facts.overlapping(7)) == {8, 14}
    assert set(facts.overlapping(8)) == {7, 14}
    assert {(p.first_seq, p.second_seq) for p in facts.overlaps} == {
        (7, 8),
        (7, 14),
        (8, 14),
        (2, 16),
    }
    assert facts.overlapping(1) == ()
