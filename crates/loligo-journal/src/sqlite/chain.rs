//! The hash chain: every row is bound to the row before it, every branch to its parent, the first to the header.

/// A BLAKE3 hash.
pub(crate) type Hash = [u8; 32];

/// What the first row of a branch is chained to: the header of the journal, and where the branch left its parent.
/// `parent_row` is the hash of the parent's row that holds the record `fork` (zeros for the first branch).
pub(crate) fn root(
    header: &[(String, String)],
    branch: u64,
    parent: u64,
    fork: u64,
    parent_row: &Hash,
) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"loligo-journal root");
    for (key, value) in header {
        for text in [key, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    for number in [branch, parent, fork] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(parent_row);
    *hasher.finalize().as_bytes()
}

/// The hash of a row: of the hash before it and of everything the row holds.
pub(crate) fn row(before: &Hash, branch: u64, first: u64, count: u64, time_us: i64, records: &[u8]) -> Hash {
    let mut fixed = [0; 64];
    fixed[..32].copy_from_slice(before);
    fixed[32..40].copy_from_slice(&branch.to_le_bytes());
    fixed[40..48].copy_from_slice(&first.to_le_bytes());
    fixed[48..56].copy_from_slice(&count.to_le_bytes());
    fixed[56..].copy_from_slice(&time_us.to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&fixed);
    hasher.update(records);
    *hasher.finalize().as_bytes()
}
