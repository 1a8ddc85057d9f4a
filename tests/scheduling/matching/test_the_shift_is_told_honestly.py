"""Nantong to Zhangbei: what the demonstration must not hide."""

from scheduling.matching.show_shift import CLAIMED_KG, KWH, LABEL, show_shift, tell


def test_by_provincial_means_alone_the_move_adds_carbon_and_says_so() -> None:
    stay, means, wind, wait = show_shift()
    assert stay.pool_id.startswith("Nantong")
    assert means.saved_kg < 0
    assert stay.saved_kg == 0
    assert wait.saved_kg > wind.saved_kg > 0
    assert max(a.saved_kg for a in (means, wind, wait)) < CLAIMED_KG
    assert all(a.label == "calibrated" and a.kgco2 <= KWH for a in (stay, means, wind, wait))


def test_every_telling_starts_with_its_label_in_both_languages() -> None:
    text = tell()
    assert text.startswith(LABEL[0])
    assert LABEL[1] in text
    assert "adds carbon" in text
    assert "增加排放" in text
