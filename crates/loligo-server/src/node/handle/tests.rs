//! How far the queue may be filled, and by whom.

use super::*;

fn cancels(count: usize) -> Vec<Submission> {
    let account = AccountId(1);
    vec![Submission::new(Command::CancelAll { account, instrument: None }); count]
}

#[test]
fn what_a_request_may_fill_is_told_by_what_it_asks() {
    let order = Submission::new(Command::Advance);
    assert_eq!(Share::of(&cancels(1)), Share::SingleCancel);
    assert_eq!(Share::of(&cancels(2)), Share::Cancels);
    assert_eq!(Share::of(std::slice::from_ref(&order)), Share::Anything);
    assert_eq!(Share::of(&[cancels(1), vec![order]].concat()), Share::Anything);
    let switch = Command::CancelAllAfter { account: AccountId(1), timeout_seconds: 60 };
    assert_eq!(Share::of(&[Submission::new(switch)]), Share::SingleCancel);
}

#[test]
fn batches_of_cancels_leave_single_ones_their_room() {
    let waiting = Waiting::default();
    let fill = |records: usize, share| (0..).take_while(|_| waiting.enter(records, share)).count();
    assert_eq!(fill(MAX_BATCH_RECORDS, Share::Anything), 8);
    assert_eq!(fill(1, Share::Anything), 0);
    assert_eq!(fill(MAX_BATCH_RECORDS, Share::Cancels), 2);
    assert_eq!(fill(1, Share::Cancels), 0);
    assert_eq!(fill(1, Share::SingleCancel), QUEUE_SINGLE_CANCELS);
    // What has been written makes room for those first who have none beyond.
    waiting.leave(QUEUE_SINGLE_CANCELS + QUEUE_CANCELS + 3);
    assert_eq!(fill(1, Share::Anything), 3);
}

/// Every connection there may be has one single cancel under way, and each of them finds room.
#[test]
fn each_connection_has_room_for_a_cancel() {
    assert!(crate::Bounds::default().connections <= QUEUE_SINGLE_CANCELS);
}

#[test]
fn a_batch_that_is_refused_takes_no_room_while_it_is_refused() {
    let waiting = Waiting::default();
    while waiting.enter(MAX_BATCH_RECORDS, Share::Cancels) {}
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(!waiting.enter(QUEUE_ALL, Share::Cancels));
                }
            });
        }
        let refused = (0..200_000).filter(|_| {
            let taken = waiting.enter(1, Share::SingleCancel);
            if taken {
                waiting.leave(1);
            }
            !taken
        });
        let refused = refused.count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(refused, 0);
    });
}
