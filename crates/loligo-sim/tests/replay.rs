//! Same commands, same state: stored commands are the commands, a snapshot and the tail are the whole, twice is the same.

use loligo_engine::{Command, Event, Exchange, Outcome};
use loligo_sim::agreement::{Step, marks};
use loligo_sim::model::Model;
use loligo_sim::workload::Workload;
use opstream::Rng;

/// A stream, made without asking the engine anything but its marks.
fn stream(seed: u64, length: usize) -> Vec<Step> {
    let (mut workload, mut model, mut engine) = (Workload::new(seed), Model::new(), Exchange::new());
    let mut events = vec![];
    (0..length)
        .map(|_| {
            let step = workload.next_step(&model);
            events.clear();
            engine.apply(step.time, &step.command, &mut events);
            model.apply(step.time, &step.command, &marks(&events));
            step
        })
        .collect()
}

/// What came of each step, as bytes.
fn play(engine: &mut Exchange, steps: &[Step]) -> (Vec<Outcome>, Vec<u8>) {
    let (mut outcomes, mut told, mut events) = (vec![], vec![], vec![]);
    for step in steps {
        events.clear();
        outcomes.push(engine.apply(step.time, &step.command, &mut events));
        events.iter().for_each(|event| event.encode(&mut told));
    }
    (outcomes, told)
}

#[test]
fn stored_commands_are_read_as_they_were_written() {
    for seed in 0..8 {
        for step in stream(seed, 600) {
            let mut bytes = vec![7, 7, 7];
            step.command.encode(&mut bytes);
            assert_eq!(Command::decode(&bytes[3..]).as_ref(), Ok(&step.command), "seed {seed}");
            bytes.push(0);
            assert!(Command::decode(&bytes[3..]).is_err(), "a byte too many, seed {seed}: {step:?}");
            bytes.truncate(bytes.len() - 2);
            assert!(Command::decode(&bytes[3..]).is_err(), "a byte too few, seed {seed}: {step:?}");
        }
    }
}

#[test]
fn the_same_commands_twice_are_the_same_to_the_byte() {
    for seed in 0..8 {
        let steps = stream(seed, 800);
        let (mut once, mut again) = (Exchange::new(), Exchange::new());
        assert_eq!(play(&mut once, &steps), play(&mut again, &steps), "seed {seed}");
        assert_eq!(once.encode(), again.encode(), "seed {seed}");
        assert_eq!(once.state_hash(), again.state_hash(), "seed {seed}");
    }
}

#[test]
fn a_snapshot_and_the_tail_are_the_whole() {
    for seed in 0..24 {
        let steps = stream(seed, 900);
        let mut whole = Exchange::new();
        let mut rng = Rng::new(seed);
        let mut at = 0;
        // Several cuts in one stream, the first before the genesis.
        while at < steps.len() {
            let stored = whole.encode();
            let mut restored = Exchange::decode(&stored).expect("what was just written");
            assert_eq!(restored.encode(), stored, "seed {seed}, step {at}");
            assert_eq!(restored.state_hash(), whole.state_hash(), "seed {seed}, step {at}");
            restored.audit().unwrap_or_else(|violation| panic!("seed {seed}, step {at}: {violation}"));
            assert_eq!(restored.known_orders(), whole.known_orders(), "seed {seed}, step {at}");
            let end = (at + 1 + rng.below(300) as usize).min(steps.len());
            assert_eq!(
                play(&mut restored, &steps[at..end]),
                play(&mut whole, &steps[at..end]),
                "seed {seed}, steps {at}..{end}"
            );
            assert_eq!(restored.state_hash(), whole.state_hash(), "seed {seed}, step {end}");
            at = end;
        }
    }
}

#[test]
fn every_step_that_changes_something_changes_the_hash() {
    let steps = stream(3, 400);
    let mut engine = Exchange::new();
    let mut events = vec![];
    let mut changes = 0;
    for step in &steps {
        let before = (engine.now(), engine.state_hash());
        events.clear();
        engine.apply(step.time, &step.command, &mut events);
        // A note that is on the record already changes nothing.
        let acted = events.iter().any(|event| !matches!(event, Event::Noted { .. }));
        if acted || engine.now() != before.0 {
            changes += 1;
            assert_ne!(engine.state_hash(), before.1, "{step:?}");
        }
    }
    assert!(changes > 200, "{changes}");
}
