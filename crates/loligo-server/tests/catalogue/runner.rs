//! Runs many cases, each on a fixture of its own, a few at a time, and says by name which ones failed.

use crate::fixture::Fixture;
use crate::seed::Witness;
use std::future::Future;
use std::pin::Pin;
use tokio::task::JoinSet;

/// How many exchanges run at once.
const AT_ONCE: usize = 4;

/// What is done on a fixture; it panics where the exchange does not do what is said.
pub type Steps = fn(Fixture) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The steps of a case. They own the whole fixture, so that its server runs as long as they do.
macro_rules! steps {
    (|$f:ident| $steps:block) => {
        |$f| {
            Box::pin(async move {
                let $f: $crate::fixture::Fixture = $f;
                $steps
            })
        }
    };
}
pub(crate) use steps;

/// A case that ran: what its answers said, or why it failed.
pub struct Ran<T> {
    pub case: T,
    pub outcome: Result<Witness, String>,
}

pub async fn run<T: Copy + Send + 'static>(cases: impl Iterator<Item = (T, Steps)>) -> Vec<Ran<T>> {
    let mut cases = cases.fuse();
    let mut running = JoinSet::new();
    let mut ran = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((case, steps)) = cases.next()
        {
            running.spawn(async move { Ran { case, outcome: alone(steps).await } });
        }
        match running.join_next().await {
            Some(came) => ran.push(came.expect("a case's panic is caught")),
            None => return ran,
        }
    }
}

async fn alone(steps: Steps) -> Result<Witness, String> {
    let seen = Witness::default();
    let witness = seen.clone();
    let task = tokio::spawn(async move { steps(Fixture::start(&witness).await).await });
    match task.await {
        Ok(()) => Ok(seen),
        Err(failed) => {
            let panic = failed.into_panic();
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned())
        }
    }
}

/// Fails with the names of all cases that failed, and why.
pub fn report(failed: &mut [String]) {
    failed.sort();
    assert!(failed.is_empty(), "{} failed:\n\n{}", failed.len(), failed.join("\n\n"));
}
