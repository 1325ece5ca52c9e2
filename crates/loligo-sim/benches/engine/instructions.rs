//! Instructions per operation, which noise cannot touch: this program under `valgrind --tool=cachegrind`, once with
//! few and once with more measured operations; the difference is theirs alone.

use crate::marks::{self, Crowd, Moved};
use crate::streams::{Floor, Which, phases, removal_table, remove_all, warm};
use opstream::Tally;
use std::process::Command;

/// Measured operations of the shorter and of the longer run.
const SHORT: u64 = 20_000;
const LONG: u64 = 120_000;
/// Accounts that hold what is valued anew, and how often that is in the shorter and in the longer run: even, so that both end at
/// the same marks.
const COUNTED_ACCOUNTS: u32 = 4_400;
const FEW_MOVES: u64 = 4;
const MANY_MOVES: u64 = 24;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub enum Side {
    Engine,
    Floor,
}

/// Instructions of one operation, or why they cannot be told.
pub fn per_operation(which: Which, side: Side) -> Result<u64, String> {
    let (short, long) = (collect(word(which), side, SHORT)?, collect(word(which), side, LONG)?);
    Ok((long - short) / (LONG - SHORT))
}

/// Instructions of valuing one position anew after its mark has moved, or why they cannot be told.
pub fn per_position(moved: Moved, side: Side) -> Result<u64, String> {
    let word = marks_word(moved);
    let (short, long) = (collect(word, side, FEW_MOVES)?, collect(word, side, MANY_MOVES)?);
    let positions = marks::positions(moved, COUNTED_ACCOUNTS);
    Ok((long - short) / ((MANY_MOVES - FEW_MOVES) * positions))
}

fn collect(word: &str, side: Side, operations: u64) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(this)
        .args(["--counted", word, side_word(side), &operations.to_string()])
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

fn marks_word(moved: Moved) -> &'static str {
    match moved {
        Moved::Only => "marks-only",
        Moved::Second => "marks-second",
        Moved::OneOfMany => "marks-one",
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
    let floor = side == "floor";
    if let Some(moved) = Moved::ALL.into_iter().find(|moved| marks_word(*moved) == which) {
        let mut crowd = Crowd::new(moved, COUNTED_ACCOUNTS);
        if floor {
            marks::Floor::new(moved, COUNTED_ACCOUNTS).run(operations);
        } else {
            crowd.run(operations);
        }
        return;
    }
    let which = match which.as_str() {
        "one" => Which::One,
        "hundred" => Which::Hundred,
        _ => Which::Worst(2 * LONG),
    };
    let mut stream = which.stream(Some(LONG));
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
