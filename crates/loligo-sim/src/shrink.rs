//! Makes a failing list of commands short, by leaving out ever smaller parts of it.

/// The shortest list found in which `fails` still holds, leaving out whole runs of steps. `fails` must hold for `steps`.
pub fn shrink<T: Clone>(steps: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = steps.to_vec();
    let mut run = kept.len().div_ceil(2).max(1);
    loop {
        let mut shorter = false;
        let mut from = 0;
        while from < kept.len() {
            let to = (from + run).min(kept.len());
            let rest: Vec<T> = kept[..from].iter().chain(&kept[to..]).cloned().collect();
            if fails(&rest) {
                kept = rest;
                shorter = true;
            } else {
                from = to;
            }
        }
        if run == 1 && !shorter {
            return kept;
        }
        run = run.div_ceil(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_only_what_the_failure_needs() {
        let steps: Vec<u32> = (0..1_000).collect();
        let mut tries = 0;
        let short = shrink(&steps, |list| {
            tries += 1;
            list.contains(&17) && list.contains(&400) && list.contains(&999)
        });
        assert_eq!(short, [17, 400, 999]);
        assert!(tries < 400, "{tries} tries");
    }
}
