//! Instructions per operation, which noise cannot touch: this program under `valgrind --tool=cachegrind`, once with
//! few and once with more measured operations; the difference is theirs alone.

use crate::streams::{Floor, Which, phases, removal_table, remove_all, warm};
use opstream::Tally;
use std::process::Command;

/// Measured operations of the shorter and of the longer run.
const SHORT: u64 = 20_000;
const LONG: u64 = 120_000;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Engine,
    Floor,
}

/// Instructions of one operation, or why they cannot be told.
pub fn per_operation(which: Which, side: Side) -> Result<u64, String> {
    let (short, long) = (collect(which, side, SHORT)?, collect(which, side, LONG)?);
    Ok((long - short) / (LONG - SHORT))
}

fn collect(which: Which, side: Side, operations: u64) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(this)
        .args(["--counted", word(which), side_word(side), &operations.to_string()])
        .output()
        .map_err(|e| format!("valgrind cannot be started: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said
        .lines()
        // Versions differ in the spaces between the two words.
        .find_map(|line| line.split_once("refs:").filter(|(name, _)| name.trim_end().ends_with('I')))
        .and_then(|(_, count)| count.trim().replace(',', "").parse().ok());
    count.filter(|_| output.status.success()).ok_or_else(|| format!("valgrind said: {said}"))
}

fn word(which: Which) -> &'static str {
    match which {
        Which::One => "one",
        Which::Hundred => "hundred",
        Which::Worst(_) => "worst",
    }
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Engine => "engine",
        Side::Floor => "floor",
    }
}

/// What the counted process does: everything but the measured operations is the same whatever their number.
pub fn counted(arguments: &[String]) {
    let [which, side, operations] = arguments else { panic!("--counted STREAM SIDE OPERATIONS") };
    let operations: u64 = operations.parse().expect("a number of operations");
    let which = match which.as_str() {
        "one" => Which::One,
        "hundred" => Which::Hundred,
        _ => Which::Worst(2 * LONG),
    };
    let mut stream = which.stream(Some(LONG));
    let floor = side == "floor";
    match which {
        Which::One | Which::Hundred if floor => Floor::new(stream.resting).run(operations),
        Which::Worst(_) if floor => {
            let mut table = removal_table(&stream);
            stream.ops.truncate((stream.prefill + operations) as usize);
            remove_all(&mut table, &stream);
        }
        _ => {
            let mut venue = warm(&stream);
            venue.run(&phases(&stream).1[..operations as usize], &mut Tally::default());
        }
    }
}
