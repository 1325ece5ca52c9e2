//! Records as folders on somebody's disk have them.

use super::*;
use loligo_engine::InstrumentId;

fn key(secret: StoredSecret) -> Body {
    Body::Fact(Box::new(Fact::KeyCreated(KeyCreated {
        account: AccountId(3),
        api_key: "key".to_owned(),
        secret,
        general: GeneralRight::ReadOnly,
        withdrawal: WithdrawalRight::Full,
    })))
}

fn fact(fact: Fact) -> Body {
    Body::Fact(Box::new(fact))
}

/// A record of each kind, and the hexadecimal text of its body: a line that differs is a form that old folders do not have,
/// and needs a kind or a code of its own.
fn golden() -> Vec<(Body, &'static str)> {
    let facts = VenueFacts {
        seed: 7,
        accounts: 2,
        balance: 5,
        manual_clock: true,
        start: 1,
        live_market: false,
        instruments: None,
        identity_key: None,
        past_days: Some(30),
    };
    let operation = || "sendOrder".to_owned();
    vec![
        (
            Body::Genesis { rules: 2, venue: Box::new(facts), command: Command::Advance },
            "0200 0a0000000702 0a01020000 00 011e 0302",
        ),
        (Body::Command(Command::Start), "0301"),
        (Body::Crossing(Crossing { from: 1, to: 2, state: [9; 32] }), "01000200 NINES"),
        (
            key(StoredSecret::Development { place: 1, kind: "full".to_owned() }),
            "00 03 03 6b6579 00 01 04 66756c6c 01 01",
        ),
        (key(StoredSecret::Sealed(vec![1, 2])), "00 03 03 6b6579 01 02 0102 01 01"),
        (fact(Fact::AccountNamed { account: AccountId(300), name: "al".to_owned() }), "01 ac02 02 616c"),
        (fact(Fact::RouteSet { operation: operation(), available: true }), "02 09 73656e644f72646572 01"),
        (
            fact(Fact::FaultSet { operation: operation(), word: FaultWord::UnknownError, times: 2 }),
            "03 09 73656e644f72646572 01 02",
        ),
        (fact(Fact::FaultEnded { fault: FaultId(4) }), "04 04"),
        (fact(Fact::ContractRolls { instrument: InstrumentId(5), roll: Roll::Half }), "05 05 02"),
        (fact(Fact::OffBookLeverage { account: AccountId(3), cap: Some(250) }), "08 03 01 fa01"),
        (fact(Fact::OffBookLeverage { account: AccountId(3), cap: None }), "08 03 00"),
    ]
}

#[test]
fn no_stored_record_changes_its_bytes() {
    for (body, text) in golden() {
        let kind = match &body {
            Body::Genesis { .. } => 5,
            Body::Command(_) => 1,
            Body::Fact(_) => 2,
            Body::Crossing(_) => 3,
        };
        let record = Record { time: Timestamp(258), nonce: Some((KeyId(1), 2)), body };
        let mut bytes = Vec::new();
        record.encode(&mut bytes).expect("into memory");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let head = format!("01{kind:02x}0201000000000000010100000002000000 00000000");
        let want = format!("{head}{text}").replace("NINES", &"09".repeat(32)).replace(' ', "");
        assert_eq!(hex, want, "{record:?}");
        assert_eq!(Record::decode(&bytes).as_ref(), Ok(&record));
        assert!(Record::decode(&bytes[..bytes.len() - 1]).is_err(), "a byte too few: {record:?}");
    }
}

#[test]
fn a_genesis_from_before_rules_had_versions_is_of_the_first() {
    let (record, mut bytes) = (&golden()[0].0, Vec::new());
    let record = Record { time: Timestamp(0), nonce: None, body: record.clone() };
    record.encode(&mut bytes).expect("into memory");
    // As it was written then: another kind, no rules in it, and facts that end before the past.
    bytes[1] = UNNAMED_GENESIS;
    bytes.drain(11..13);
    bytes[11] = 8;
    bytes.drain(23..25);
    match Record::decode(&bytes).expect("readable").body {
        Body::Genesis { rules, .. } => assert_eq!(rules, FIRST_RULES),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_genesis_from_before_there_were_pasts_has_none() {
    let (body, mut bytes) = (&golden()[0].0, Vec::new());
    let record = Record { time: Timestamp(0), nonce: None, body: body.clone() };
    record.encode(&mut bytes).expect("into memory");
    bytes[1] = PASTLESS_GENESIS;
    bytes[13] = 8;
    bytes.drain(25..27);
    let Body::Genesis { rules, venue, command } = body else { panic!("the first is a genesis") };
    let facts = VenueFacts { past_days: None, ..(**venue).clone() };
    assert_eq!(facts_of(&bytes), Ok(Some(facts.clone())));
    let venue = Box::new(facts);
    let read = Body::Genesis { rules: *rules, venue, command: command.clone() };
    assert_eq!(Record::decode(&bytes).map(|record| record.body), Ok(read));
}

#[test]
fn what_is_no_record_is_refused() {
    let mut bytes = Vec::new();
    let crossing = Body::Crossing(Crossing { from: 1, to: 2, state: [9; 32] });
    Record { time: Timestamp(0), nonce: None, body: crossing }.encode(&mut bytes).expect("into memory");
    let with = |at: usize, byte: u8| {
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        Record::decode(&damaged)
    };
    assert_eq!(with(0, 2), Err(RecordError::Version(2)));
    assert!(matches!(with(1, 6), Err(RecordError::Layout(_))), "no such kind");
    assert!(matches!(with(10, 2), Err(RecordError::Layout(_))), "a nonce is there or not");
    let longer = [bytes.clone(), vec![0]].concat();
    assert!(matches!(Record::decode(&longer), Err(RecordError::Layout(_))), "a byte too many");
}

#[test]
fn facts_and_nonces_are_read_past_a_command_of_a_form_that_is_not_known() {
    for (body, _) in golden() {
        let facts = match &body {
            Body::Genesis { venue, .. } => Some((**venue).clone()),
            _ => None,
        };
        let record = Record { time: Timestamp(258), nonce: Some((KeyId(1), 2)), body };
        let mut bytes = Vec::new();
        record.encode(&mut bytes).expect("into memory");
        if let Body::Genesis { .. } | Body::Command(_) = &record.body {
            // The engine's version stands before its command.
            let at = bytes.len() - 2;
            bytes[at] = 99;
            assert!(Record::decode(&bytes).is_err(), "{record:?}");
        }
        assert_eq!(nonce_of(&bytes), Ok(record.nonce), "{record:?}");
        assert_eq!(facts_of(&bytes), Ok(facts), "{record:?}");
    }
}
