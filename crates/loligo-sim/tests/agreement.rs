//! The engine agrees with the model, step by step, on seeded streams that reach every word of the rules.
//! `LOLIGO_SEED=n` plays one seed alone; `LOLIGO_SEEDS=n` plays more of them than the suite does.

use loligo_engine::{Command, Event, Outcome, UpdateReason, WORK_PER_RECORD};
use loligo_sim::agreement::{SideBySide, Step, movable, rerun};
use loligo_sim::shrink::shrink;
use loligo_sim::workload::Workload;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: u64 = 165;
const STEPS: usize = 1_250;
/// Work that a record of a stream does at most, by seed: a venue's, and so little that much is always left for the next.
const LIMITS: [u32; 5] = [WORK_PER_RECORD, 1, 40, 100, 300];

/// How often each word was seen.
type Words = BTreeMap<String, u64>;

/// Makes a stream with a seed and plays it. A failure is told with a list of commands as short as could be found.
fn play(seed: u64, words: &mut Words) -> Result<(), String> {
    let mut workload = Workload::new(seed);
    let limit = LIMITS[(seed / 8 % LIMITS.len() as u64) as usize];
    let mut both = SideBySide::bounded(limit);
    let mut steps = vec![];
    while steps.len() < STEPS {
        let step = workload.next_step(&both.model);
        steps.push(step.clone());
        let amid_work = both.engine.is_busy();
        match catch_unwind(AssertUnwindSafe(|| both.step(&step))) {
            Ok(Ok(outcome)) => {
                if amid_work {
                    say(words, format!("amid work {}", word(&outcome)));
                }
                hear(words, &outcome, both.events());
            }
            Ok(Err(_)) | Err(_) => return Err(explain(seed, limit, &steps)),
        }
    }
    Ok(())
}

fn explain(seed: u64, limit: u32, steps: &[Step]) -> String {
    let short = shrink(&movable(steps, limit), |list| rerun(list, limit).is_err());
    let Err((short, why)) = rerun(&short, limit) else {
        return format!("seed {seed} fails after {} steps, but not when they are played again", steps.len());
    };
    let list: String = short.iter().map(tell).collect();
    format!("seed {seed} fails after {} steps; {} are enough:\n{list}{why}", steps.len(), short.len())
}

/// One line a step; the genesis is the workload's own and long.
fn tell(step: &Step) -> String {
    match &step.command {
        Command::Genesis(genesis) => format!("  {} Genesis, {:?}\n", step.time.0, genesis.limits),
        command => format!("  {} {command:?}\n", step.time.0),
    }
}

fn say(words: &mut Words, word: String) {
    *words.entry(word).or_default() += 1;
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Rejected(_, error) => format!("rejected {error:?}"),
        Outcome::EditRejected(order, error) => {
            format!("edit rejected {error:?}{}", if order.is_some() { "" } else { " (unknown)" })
        }
        Outcome::CancelNotFound(order) => format!("not found {}", order.is_some()),
        Outcome::Refused(refusal) => format!("refused {refusal:?}"),
        other => format!("{other:?}").split('(').next().unwrap_or_default().to_owned(),
    }
}

fn hear(words: &mut Words, outcome: &Outcome, events: &[Event]) {
    let mut say = |word: String| say(words, word);
    say(word(outcome));
    let several = events.iter().filter(|event| matches!(event, Event::Fired { .. })).count() > 1;
    if several {
        say("fired, several".into());
    }
    for event in events {
        match event {
            Event::Placed { order, .. } if order.trigger().is_some() => {
                let trigger = order.trigger().expect("just looked at");
                say(format!("waits {:?} {:?} {:?}", trigger.kind, trigger.signal, order.side));
            }
            Event::Fired { order, reduced } => {
                let trigger = order.trigger().expect("a fired trigger");
                say(format!("fired {:?} {:?} {:?}", trigger.kind, trigger.signal, order.side));
                say(format!("fired {:?}", order.order_type));
                if reduced.is_some_and(|by| by.0 > 0) {
                    say("fired, cut".into());
                }
            }
            Event::ActivationFailed { order } => say(format!("failed {:?}", order.error.expect("a failure"))),
            Event::Repriced { .. } => say("repriced".into()),
            Event::Rewritten { order } if order.reason == Some(UpdateReason::Unknown) => {
                say("unknown".into())
            }
            Event::Edited { change, .. } if change.order.trigger().is_some() => {
                let trigger = change.order.trigger().expect("just looked at");
                say(format!("edited {:?} {:?}", trigger.kind, change.order.status));
            }
            Event::Market { state, .. } => say(format!("market {state:?}")),
            Event::Cancelled { order } => say(format!("cancelled {:?} {:?}", order.reason, order.error)),
            Event::Executed(execution) => {
                say(format!("fill {:?}", execution.taker.role));
                if execution.taker.liquidation_fee.0 > 0 {
                    say("liquidation fee".into());
                }
                if execution.maker.fee.0 < 0 {
                    say("rebate".into());
                }
                if execution.taker.realized_funding.0 != 0 {
                    say("funding with a fill".into());
                }
                if execution.taker.realized_pnl.0 != 0 {
                    say("realised".into());
                }
            }
            Event::Funding(booked) if booked.realized.0 != 0 => say("funding of an hour".into()),
            Event::Funding(_) => say("funding of an hour, nothing".into()),
            Event::FundingRate { rate, .. } if rate.relative != 0 => say("funding rate".into()),
            Event::Reduced { .. } => say("cut".into()),
            Event::Placed { reduced, .. } if reduced.is_some_and(|by| by.0 > 0) => say("placed, cut".into()),
            Event::Edited { reduced, .. } if reduced.is_some_and(|by| by.0 > 0) => say("edited, cut".into()),
            _ => {}
        }
    }
}

/// What the streams must come across, or they prove little.
const WORDS: [&str; 162] = [
    "funding of an hour",
    "funding of an hour, nothing",
    "funding rate",
    "funding with a fill",
    "Placed",
    "Edited",
    "Cancelled",
    "AlreadyFilled",
    "CancelledAll",
    "TooLate",
    "Done",
    "AccountCreated",
    "AccountInactive",
    "Listed",
    "Armed",
    "Replaced",
    "not found true",
    "not found false",
    "refused UnknownAccount",
    "refused UnknownInstrument",
    "refused UnknownPair",
    "refused UnknownOrder",
    "refused WrongCurrency",
    "refused AmountOutOfRange",
    "refused PriceOutOfRange",
    "refused NestedSubaccount",
    "refused NoTrailingStop",
    "refused NotMaster",
    "refused NotSubaccount",
    "refused ForeignAccount",
    "refused InsufficientFunds",
    "refused InvalidAmount",
    "refused Expired",
    "rejected MarketNotFound",
    "rejected MarketSuspended",
    "rejected MarketIsPostOnly",
    "rejected OrderCannotHaveTriggerPrice",
    "rejected InvalidPrice",
    "rejected TrailingStopPercentTooPrecise",
    "rejected TrailingStopQuoteOffTick",
    "rejected TrailingStopTooLarge",
    "rejected TrailingStopTooSmall",
    "rejected NoReferencePrice",
    "rejected LimitPriceAbsoluteAndRelative",
    "rejected LimitOffsetValueInvalid",
    "rejected LimitOffsetUnitInvalid",
    "rejected LimitOffsetIncomplete",
    "rejected LimitOffsetOffTick",
    "rejected LimitOffsetTooPrecise",
    "rejected LimitOffsetTooHigh",
    "rejected LimitOffsetTooLow",
    "rejected InvalidQuantity",
    "rejected ClientOrderIdTooLong",
    "rejected ClientOrderIdInvalid",
    "rejected ClientOrderIdInUse",
    "rejected SmallOrderLimitExceeded",
    "rejected OrderLimitExceeded",
    "rejected TrailingStopLimitExceeded",
    "rejected WouldNotReducePosition",
    "rejected MaxPositionExceeded",
    "rejected PriceCollar",
    "rejected InsufficientMargin",
    "rejected PostWouldExecute",
    "rejected IocWouldNotExecute",
    "rejected WouldExecuteSelf",
    "edit rejected MarketSuspended",
    "edit rejected MarketIsPostOnly",
    "edit rejected OrderCannotHaveTriggerPrice",
    "edit rejected CannotEditTriggerPriceOfTrailingStop",
    "edit rejected CannotEditLimitPriceOfTrailingStop",
    "edit rejected InvalidPrice",
    "edit rejected TrailingStopTooLarge",
    "edit rejected TrailingStopTooSmall",
    "edit rejected InsufficientHeadroom",
    "edit rejected LimitPriceAbsoluteAndRelative",
    "edit rejected InvalidQuantity",
    "edit rejected SmallOrderLimitExceeded",
    "edit rejected OrderLimitExceeded",
    "edit rejected PriceCollar",
    "edit rejected InsufficientMargin",
    "edit rejected PostWouldExecute",
    "edit rejected WouldExecuteSelf",
    "edit rejected EditHasNoEffect",
    "edit rejected OrderForEditNotFound",
    "edit rejected OrderForEditNotFound (unknown)",
    "failed AccountInactive",
    "failed InvalidPrice",
    "failed OrderLimitExceeded",
    "failed WouldNotReducePosition",
    "failed MaxPositionExceeded",
    "failed PriceCollar",
    "failed InsufficientMargin",
    "failed IocWouldNotExecute",
    "failed WouldExecuteSelf",
    "fired Stop Last Buy",
    "fired Stop Last Sell",
    "fired Stop Mark Buy",
    "fired Stop Mark Sell",
    "fired Stop Index Buy",
    "fired Stop Index Sell",
    "fired TakeProfit Last Buy",
    "fired TakeProfit Last Sell",
    "fired TakeProfit Mark Buy",
    "fired TakeProfit Mark Sell",
    "fired TakeProfit Index Buy",
    "fired TakeProfit Index Sell",
    "fired TrailingStop Last Buy",
    "fired TrailingStop Last Sell",
    "fired TrailingStop Mark Buy",
    "fired TrailingStop Mark Sell",
    "fired TrailingStop Index Buy",
    "fired TrailingStop Index Sell",
    "fired Limit",
    "fired Market",
    "fired, cut",
    "fired, several",
    "repriced",
    "edited Stop TriggerPlaced",
    "edited Stop EnteredBook",
    "edited TakeProfit TriggerPlaced",
    "edited TakeProfit EnteredBook",
    "edited TrailingStop TriggerPlaced",
    "edited TrailingStop EnteredBook",
    "market Open",
    "market Suspended",
    "market PostOnly",
    "market PreLaunch",
    "market Inactive",
    "market Expired",
    "cancelled Some(PartialFill) None",
    "cancelled Some(CancelledByUser) None",
    "cancelled Some(WouldExecuteSelf) None",
    "cancelled Some(WouldNotReducePosition) None",
    "cancelled Some(ContractExpired) None",
    "cancelled Some(Expired) None",
    "cancelled Some(MarketInactive) None",
    "cancelled Some(DeadManSwitch) None",
    "cancelled Some(CancelledByAdmin) None",
    "cancelled Some(TrailingStopReplacedByAdmin) None",
    "cancelled Some(WouldExecuteSelf) Some(RejectedAfterExecution)",
    "unknown",
    "fill Taker",
    "fill TakerAfterEdit",
    "rebate",
    "realised",
    "cut",
    "placed, cut",
    "edited, cut",
    "rejected FixedLeverageTooHigh",
    "rejected PriceDislocation",
    "rejected InsufficientClosingMargin",
    "rejected WouldCauseLiquidation",
    "failed FixedLeverageTooHigh",
    "refused NotMultiCollateral",
    "refused LeverageOutOfRange",
    "refused WouldLiquidate",
    "refused MarginShort",
    "cancelled Some(NotEnoughMargin) None",
    "cancelled Some(LiquidationOrder) None",
    "fill PartialLiquidation",
    "fill Liquidation",
    "liquidation fee",
];

#[test]
fn engine_and_model_agree_on_every_stream() {
    if let Ok(seed) = std::env::var("LOLIGO_SEED") {
        let played = play(seed.parse().expect("LOLIGO_SEED is a number"), &mut Words::new());
        return played.unwrap_or_else(|failure| panic!("{failure}"));
    }
    let seeds = std::env::var("LOLIGO_SEEDS").map_or(SEEDS, |n| n.parse().expect("LOLIGO_SEEDS is a number"));
    let (next, failures, words) = (AtomicU64::new(0), Mutex::new(vec![]), Mutex::new(Words::new()));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut heard = Words::new();
                while failures.lock().expect("no thread panicked").is_empty() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    if let Err(failure) = play(seed, &mut heard) {
                        failures.lock().expect("no thread panicked").push(failure);
                    }
                }
                let mut words = words.lock().expect("no thread panicked");
                heard.into_iter().for_each(|(word, count)| *words.entry(word).or_default() += count);
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panicked");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let words = words.into_inner().expect("no thread panicked");
    let missing: Vec<_> = WORDS.iter().filter(|word| !words.contains_key(**word)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}, of {words:#?}");
    if std::env::var("LOLIGO_WORDS").is_ok() {
        panic!("{words:#?}");
    }
}
