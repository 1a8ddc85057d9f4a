"""The tree is that of RFC 9162, and its proofs lead where they must and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from audit import merkle

# The test vectors of Certificate Transparency's reference implementation (merkle tree tests).
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree_over(leaves):
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    return lambda first, end: merkle.root_over(hashes[first:end])


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size):
    assert tree_over(LEAVES)(0, size).hex() == ROOTS[size - 1]


def test_the_root_over_nothing_is_the_hash_of_nothing():
    assert merkle.root_over([]) == merkle.EMPTY


sizes = some.integers(1, 200)


@given(sizes, some.data())
def test_every_leaf_is_proved_and_no_other_in_its_place(size, data):
    leaves = [str(number).encode() for number in range(size)]
    subtree = tree_over(leaves)
    index = data.draw(some.integers(0, size - 1))
    path = merkle.inclusion_path(subtree, index, size)
    root = subtree(0, size)
    leaf = merkle.leaf_hash(leaves[index])
    assert merkle.root_from_inclusion(leaf, index, size, path) == root
    assert merkle.root_from_inclusion(merkle.leaf_hash(b"x"), index, size, path) != root
    with pytest.raises(ValueError):
        merkle.root_from_inclusion(leaf, index, size, [*path, root])
    if path:
        with pytest.raises(ValueError):
            merkle.root_from_inclusion(leaf, index, size, path[:-1])


@given(sizes, sizes)
def test_a_tree_begins_with_the_earlier_one_and_with_no_other(one, other):
    earlier, size = sorted((one, other))
    leaves = [str(number).encode() for number in range(size)]
    subtree = tree_over(leaves)
    path = merkle.consistency_path(subtree, earlier, size)
    before, now = subtree(0, earlier), subtree(0, size)
    assert merkle.consistent(earlier, before, size, now, path)
    assert not merkle.consistent(earlier, merkle.leaf_hash(b"x"), size, now, path)
    assert not merkle.consistent(earlier, before, size, merkle.leaf_hash(b"x"), path)
    assert not merkle.consistent(earlier, before, size, now, [*path, now])


@given(some.integers(1, 5000))
def test_a_tree_of_blocks_is_the_tree_of_their_leaves(size):
    hashes = [merkle.leaf_hash(str(number).encode()) for number in range(size)]
    blocks = [merkle.root_over(hashes[at : at + 1024]) for at in range(0, size, 1024)]
    assert merkle.root_over(blocks) == merkle.root_over(hashes)


@pytest.mark.parametrize("index", [-1, 3])
def test_a_leaf_that_is_not_there_is_refused(index):
    with pytest.raises(ValueError):
        merkle.inclusion_path(tree_over(LEAVES), index, 3)


@pytest.mark.parametrize("earlier", [0, 4])
def test_a_beginning_that_is_none_is_refused(earlier):
    with pytest.raises(ValueError):
        merkle.consistency_path(tree_over(LEAVES), earlier, 3)
