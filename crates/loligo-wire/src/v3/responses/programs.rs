//! Answers about the assignment program, and about who is unwound first.

use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_success};
use crate::time::Timestamp;
use crate::v3::words::{ContractType, TimeFrame};

/// What an account takes over of positions that are liquidated.
#[derive(Clone, Copy, Debug)]
pub struct AssignmentProgram<'a> {
    /// Of which family.
    pub contract_type: ContractType,
    /// Of which market, in upper case.
    pub contract: Option<&'a str>,
    /// On which currency.
    pub base_currency: Option<&'a str>,
    /// In which currency.
    pub quote_currency: Option<&'a str>,
    /// The most at once, in contracts.
    pub max_size: Option<Decimal>,
    /// The largest position that comes of it, in contracts.
    pub max_position: Option<Decimal>,
    /// Takes longs.
    pub accept_long: bool,
    /// Takes shorts.
    pub accept_short: bool,
    /// When.
    pub time_frame: TimeFrame,
    /// It holds.
    pub enabled: bool,
    /// The largest value of the position that comes of it.
    pub max_notional: Option<Decimal>,
    /// The least gain of a long against mark, in hundredths of a per cent.
    pub min_profit_long: Option<Decimal>,
    /// Likewise of a short.
    pub min_profit_short: Option<Decimal>,
}

impl AssignmentProgram<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut program = Object::new(out);
        program.string("contractType", self.contract_type.as_str());
        program.opt_string("contract", self.contract);
        program.opt_string("baseCurrency", self.base_currency);
        program.opt_string("quoteCurrency", self.quote_currency);
        program.opt_decimal("maxSize", self.max_size);
        program.opt_decimal("maxPosition", self.max_position);
        program.bool("acceptLong", self.accept_long);
        program.bool("acceptShort", self.accept_short);
        program.string("timeFrame", self.time_frame.as_str());
        program.bool("enabled", self.enabled);
        program.opt_decimal("cashAccountOpenPositionMaxNotional", self.max_notional);
        program.opt_decimal("minimumProfitabilityPerAssignmentLongBps", self.min_profit_long);
        program.opt_decimal("minimumProfitabilityPerAssignmentShortBps", self.min_profit_short);
        program.end();
    }
}

/// Appends the whole answer of `/assignmentprogram/add` and `/assignmentprogram/delete`: the program, with its number.
pub fn write_assignment_program(
    out: &mut Vec<u8>,
    id: u64,
    program: &AssignmentProgram<'_>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        answer.int("id", id);
        program.write(answer.member("participant"));
    });
}

/// Appends the whole answer of `/assignmentprogram/current`.
pub fn write_assignment_programs<'a>(
    out: &mut Vec<u8>,
    programs: impl IntoIterator<Item = (u64, AssignmentProgram<'a>)>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("participants"), programs, |out, (id, program)| {
            let mut element = Object::new(out);
            element.int("id", id);
            program.write(element.member("participant"));
            element.end();
        });
    });
}

/// A program that was added or deleted.
#[derive(Clone, Copy, Debug)]
pub struct AssignmentChange<'a> {
    /// It was deleted.
    pub deleted: bool,
    /// What it takes, or took.
    pub program: AssignmentProgram<'a>,
    /// When.
    pub timestamp: Timestamp,
}

/// Appends the whole answer of `/assignmentprogram/history`.
pub fn write_assignment_history<'a>(
    out: &mut Vec<u8>,
    changes: impl IntoIterator<Item = AssignmentChange<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("participants"), changes, |out, change| {
            let mut element = Object::new(out);
            element.bool("deleted", change.deleted);
            change.program.write(element.member("participant"));
            element.time("timestamp", change.timestamp);
            element.end();
        });
    });
}

/// Appends the whole answer of `/unwindqueue`: how soon each position is unwound, in per cent.
pub fn write_unwind_queue<'a>(
    out: &mut Vec<u8>,
    queue: impl IntoIterator<Item = (&'a str, u8)>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("queue"), queue, |out, (symbol, percentile)| {
            let mut element = Object::new(out);
            element.string("symbol", symbol);
            element.int("percentile", percentile);
            element.end();
        });
    });
}
