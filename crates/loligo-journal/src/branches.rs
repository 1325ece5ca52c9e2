//! Branches: which run of which branch a history is made of.

/// The branch a new journal starts on.
pub const FIRST_BRANCH: u64 = 1;

/// A branch and where it left its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Branch {
    pub(crate) id: u64,
    /// 0 for the first branch.
    pub(crate) parent: u64,
    /// The last record it shares with its parent.
    pub(crate) fork: u64,
}

/// A run of records that are stored under one branch number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) branch: u64,
    pub(crate) from: u64,
    /// Included; `u64::MAX` for the branch being read itself.
    pub(crate) to: u64,
}

/// The segments that make up the history of branch `id`, oldest first, or `None` when the parents do not lead to
/// the first branch. The last segment is always the branch itself and open at its end.
pub(crate) fn history(branches: &[Branch], id: u64) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut to = u64::MAX;
    let mut next = id;
    loop {
        let branch = branches.iter().find(|branch| branch.id == next)?;
        // A parent may itself have forked later than the child did: then nothing of it is in this history.
        if branch.fork < to {
            segments.push(Segment { branch: branch.id, from: branch.fork + 1, to });
        }
        to = to.min(branch.fork);
        if branch.parent == 0 {
            segments.reverse();
            return (branch.id == FIRST_BRANCH && branch.fork == 0).then_some(segments);
        }
        // Parents are older than their children, so this ends even when the rows are nonsense.
        if branch.parent >= branch.id {
            return None;
        }
        next = branch.parent;
    }
}

/// The last record that two branches have in common: `u64::MAX` when they are one, 0 when there is none.
pub(crate) fn shared(branches: &[Branch], one: u64, other: u64) -> u64 {
    let (one, other) =
        (history(branches, one).unwrap_or_default(), history(branches, other).unwrap_or_default());
    let common = one.iter().zip(&other).take_while(|(a, b)| (a.branch, a.from) == (b.branch, b.from));
    // Where one of them ends sooner, what follows is of different branches.
    common.last().map_or(0, |(a, b)| a.to.min(b.to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn branch(id: u64, parent: u64, fork: u64) -> Branch {
        Branch { id, parent, fork }
    }

    #[test]
    fn a_history_follows_the_parents() {
        const OPEN: u64 = u64::MAX;
        type Row<'a> = (&'a [Branch], u64, Option<&'a [(u64, u64, u64)]>);
        let rows: &[Row<'_>] = &[
            (&[branch(1, 0, 0)], 1, Some(&[(1, 1, OPEN)])),
            (&[branch(1, 0, 0), branch(2, 1, 7)], 2, Some(&[(1, 1, 7), (2, 8, OPEN)])),
            (&[branch(1, 0, 0), branch(2, 1, 7)], 1, Some(&[(1, 1, OPEN)])),
            (&[branch(1, 0, 0), branch(2, 1, 0)], 2, Some(&[(2, 1, OPEN)])),
            // The third leaves the second before the second left the first.
            (&[branch(1, 0, 0), branch(2, 1, 10), branch(3, 2, 5)], 3, Some(&[(1, 1, 5), (3, 6, OPEN)])),
            (&[branch(1, 0, 0), branch(2, 3, 1), branch(3, 2, 1)], 3, None),
            (&[branch(2, 1, 1)], 2, None),
        ];
        for &(branches, id, expected) in rows {
            let found = history(branches, id)
                .map(|segments| segments.iter().map(|s| (s.branch, s.from, s.to)).collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expected, "branch {id} of {branches:?}");
        }
    }

    #[test]
    fn two_branches_have_in_common_what_came_before_they_parted() {
        const OPEN: u64 = u64::MAX;
        let branches = [
            branch(1, 0, 0),
            branch(2, 1, 10),
            branch(3, 2, 5),
            branch(4, 2, 14),
            branch(5, 4, 12),
            branch(6, 1, 0),
        ];
        for (one, other, last) in [
            (1, 1, OPEN),
            (4, 4, OPEN),
            (1, 2, 10),
            (1, 3, 5),
            (2, 3, 5),
            (2, 4, 14),
            (2, 5, 12),
            (4, 5, 12),
            (3, 5, 5),
            (1, 5, 10),
            (6, 4, 0),
            (1, 9, 0),
        ] {
            assert_eq!(shared(&branches, one, other), last, "{one} and {other}");
            assert_eq!(shared(&branches, other, one), last, "{other} and {one}");
        }
    }
}
