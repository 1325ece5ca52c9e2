//! The second opinion on money: short lives of small venues, engine and model side by side, and what they met.

use crate::agreement::{SideBySide, Step, movable, rerun};
use crate::life::{LENGTH, Life};
use crate::shrink::shrink;
use loligo_engine::{BalanceCause, Command, Event, FillRole, WORK_PER_RECORD};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Work that a record of a life does at most, by seed: a venue's for the most part, and so little that much is always left for the
/// next.
const LIMITS: [u32; 4] = [WORK_PER_RECORD, WORK_PER_RECORD, 40, 1];

/// What must be met, or the lives were about nothing.
const MEETINGS: [&str; 26] = [
    "partial liquidation",
    "full liquidation",
    "assignment",
    "top-up",
    "gain into the pool",
    "covered liquidation",
    "unwind",
    "liquidation fee",
    "pool paid a shortfall",
    "conversion",
    "conversion of all there was",
    "gain paid in another currency",
    "interest",
    "settlement, linear",
    "settlement, inverse",
    "settlement of a perpetual",
    "settlement beyond what was set aside",
    "funding hour",
    "isolated liquidation",
    "liquidation of one of several contracts",
    "exactly at maintenance",
    "exactly at close-only",
    "equity exactly zero",
    "exactly at a level's start",
    "exactly at a tier's bound",
    "pool exactly enough",
];

/// How often each thing was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    counts: BTreeMap<&'static str, u64>,
    commands: u64,
    lives: u64,
}

impl Met {
    /// Commands that both agreed on.
    pub fn commands(&self) -> u64 {
        self.commands
    }

    /// What was never met.
    pub fn missing(&self) -> Vec<&'static str> {
        MEETINGS.into_iter().filter(|what| !self.counts.contains_key(what)).collect()
    }

    /// A line a thing, with how often it was met.
    pub fn table(&self) -> String {
        let rows = MEETINGS.iter().map(|what| {
            let count = self.counts.get(what).copied().unwrap_or_default();
            format!("  {count:>10}  {what}\n")
        });
        format!("{} lives, {} commands\n{}", self.lives, self.commands, rows.collect::<String>())
    }

    fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.commands += other.commands;
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }

    fn meet(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// Lives the life of a seed on both sides.
///
/// # Errors
/// Where they differ: the seed, and as short a list of commands as could be found.
pub fn live(seed: u64) -> Result<Met, String> {
    let limit = LIMITS[(seed / 3 % LIMITS.len() as u64) as usize];
    let (mut life, mut both) = (Life::new(seed), SideBySide::bounded(limit));
    let (mut met, mut steps) = (Met { lives: 1, ..Met::default() }, vec![]);
    while steps.len() < LENGTH {
        let step = life.next_step(&both.model);
        steps.push(step.clone());
        match catch_unwind(AssertUnwindSafe(|| both.step(&step))) {
            Ok(Ok(_)) => hear(&mut met, &both),
            Ok(Err(_)) | Err(_) => return Err(explain(seed, limit, &steps)),
        }
    }
    met.commands = LENGTH as u64;
    for (what, count) in life.met() {
        *met.counts.entry(what).or_default() += count;
    }
    Ok(met)
}

/// Lives the lives of seeds from the first on until there were so many commands, on all processors. `tell` hears now and then how far it has
/// come.
///
/// # Errors
/// The first failure.
pub fn live_many(first: u64, commands: u64, tell: impl Fn(&Met) + Sync) -> Result<Met, String> {
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let (all, failure) = (Mutex::new(Met::default()), Mutex::new(None));
    let last = first + commands.div_ceil(LENGTH as u64);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        break;
                    }
                    match live(seed) {
                        Ok(met) => {
                            let mut all = all.lock().expect("no thread panicked");
                            all.add(&met);
                            tell(&all);
                        }
                        Err(why) => {
                            failed.store(true, Ordering::Relaxed);
                            *failure.lock().expect("no thread panicked") = Some(why);
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner().expect("no thread panicked") {
        Some(why) => Err(why),
        None => Ok(all.into_inner().expect("no thread panicked")),
    }
}

fn hear(met: &mut Met, both: &SideBySide) {
    // What the pool pays for an isolated position is told right behind its end; what it pays a wallet, when that has been judged.
    let is_for_position = |at: usize| match (both.events().get(at.wrapping_sub(1)), &both.events()[at]) {
        (Some(Event::Settled(settled)), Event::Balance { account, .. }) => {
            settled.account == *account && both.model.is_isolated(*account, settled.instrument)
        }
        _ => false,
    };
    let mut liquidated = std::collections::BTreeSet::new();
    for (at, event) in both.events().iter().enumerate() {
        match event {
            Event::Executed(execution) => {
                let isolated = both.model.is_isolated(execution.taker.account, execution.instrument);
                let what = match execution.taker.role {
                    FillRole::PartialLiquidation => "partial liquidation",
                    FillRole::Liquidation => "full liquidation",
                    FillRole::CoveredLiquidation => "covered liquidation",
                    FillRole::Assignor => "assignment",
                    FillRole::UnwindBankrupt => "unwind",
                    _ => "",
                };
                if !what.is_empty() {
                    met.meet(what);
                    liquidated.insert((execution.taker.account, execution.instrument));
                    if isolated {
                        met.meet("isolated liquidation");
                    }
                }
                if execution.taker.liquidation_fee.0 > 0 {
                    met.meet("liquidation fee");
                }
                match execution.maker.liquidation_fee.0 {
                    1.. => met.meet("gain into the pool"),
                    0 => {}
                    _ => met.meet("top-up"),
                }
                if execution.sides().into_iter().any(|(_, fill)| fill.gain.is_some()) {
                    met.meet("gain paid in another currency");
                }
            }
            Event::Balance { cause: BalanceCause::Pool, .. } if is_for_position(at) => {
                met.meet("settlement beyond what was set aside")
            }
            Event::Balance { cause: BalanceCause::Pool, .. } => met.meet("pool paid a shortfall"),
            Event::Converted(conversion) => {
                met.meet("conversion");
                if conversion.debit.balance.0 == 0 {
                    met.meet("conversion of all there was");
                }
            }
            Event::Settled(settlement) => met.meet(both.model.settled_as(settlement.instrument)),
            Event::Funding(_) => met.meet("funding hour"),
            Event::Interest(_) => met.meet("interest"),
            _ => {}
        }
    }
    for (account, instrument) in liquidated {
        let wallet = both.model.margin_wallet(instrument);
        let beside = both.model.positions(account).into_iter().filter(|other| other.instrument != instrument);
        if beside.map(|other| both.model.margin_wallet(other.instrument)).any(|other| other == wallet) {
            met.meet("liquidation of one of several contracts");
        }
    }
}

fn explain(seed: u64, limit: u32, steps: &[Step]) -> String {
    let short = shrink(&movable(steps, limit), |list| rerun(list, limit).is_err());
    let again = format!("alone: LOLIGO_SEED={seed} cargo test -p loligo-sim --test opinion");
    let Err((short, why)) = rerun(&short, limit) else {
        return format!(
            "seed {seed} fails after {} commands, but not when they are played again; {again}",
            steps.len()
        );
    };
    let list: String = short.iter().map(tell).collect();
    format!(
        "seed {seed} fails after {} commands ({again}); {} are enough:\n{list}{why}",
        steps.len(),
        short.len()
    )
}

/// One line a step; the genesis is long and its seed's own.
fn tell(step: &Step) -> String {
    match &step.command {
        Command::Genesis(_) => format!("  {} Genesis\n", step.time.0),
        command => format!("  {} {command:?}\n", step.time.0),
    }
}
