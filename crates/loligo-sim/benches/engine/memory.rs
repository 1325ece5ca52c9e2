//! Resident memory per resting order, half of them with a client's own name of 36 characters; in a process of its own.

use crate::venue::{Venue, account};
use loligo_engine::{ClientOrderId, Command, InstrumentId, OnGrid, OrderType, Outcome, PlaceOrder, Side};
use opstream::Rng;
use std::process::Command as Process;

/// Bytes per order after growth and at its peak.
pub struct Growth {
    pub orders: u64,
    pub after: u64,
    pub peak: u64,
}

/// Grows a book in another process, so that nothing else is counted.
pub fn measure(orders: u64) -> Result<Growth, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Process::new(this)
        .args(["--grow", &orders.to_string()])
        .output()
        .map_err(|e| format!("cannot start: {e}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match figures[..] {
        [after, peak] if output.status.success() => Ok(Growth { orders, after, peak }),
        _ => Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// What that process does; prints bytes per order after growth and at its peak.
pub fn grow(arguments: &[String]) {
    let orders: u64 = arguments[0].parse().expect("a number of orders");
    let owners = 10_000;
    let mut venue = Venue::new(1, owners);
    let mut rng = Rng::new(7);
    let before = resident();
    for number in 0..orders {
        let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let name = format!("{:08x}-{:04x}-4000-8000-{number:012x}", rng.below(1 << 32), rng.below(1 << 16));
        let outcome = venue.apply(&Command::Place(PlaceOrder {
            account: account(rng.below(owners.into()) as u32, side),
            instrument: InstrumentId(0),
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(1 + rng.below(100) as i64),
            // A thousand levels on each side, none of which cross.
            limit_price: Some(OnGrid::Steps(100_000 - side.sign() * (1 + rng.below(1_000) as i64))),
            trigger: None,
            limit_offset: None,
            algo_id: None,
            stop_price: None,
            reduce_only: false,
            client_order_id: (number % 2 == 0).then(|| ClientOrderId::Valid(name.into())),
            process_before: None,
        }));
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
    }
    let (after, peak) = (resident(), peak());
    assert_eq!(venue.exchange.open_orders(account(0, Side::Buy)).is_empty(), orders == 0);
    println!("{} {}", (after - before) / orders, (peak - before) / orders);
}

/// Resident bytes now.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux tells a process its size");
    let pages: u64 = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a count of pages");
    pages * 4096
}

/// The most bytes that were ever resident.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells a process its size");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes") * 1024
}
