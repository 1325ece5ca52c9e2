use super::*;
use http::Method;
use loligo_engine::Timestamp;

/// A log whose thread never comes.
fn stuck() -> RequestLog {
    RequestLog { mode: LogMode::Refusals, shared: Arc::default(), thread: Mutex::new(None) }
}

/// A refusal that keeps so many bytes, until it lets go of them.
struct Kept(usize);

impl Refusal for Kept {
    fn outcome(&self) -> Option<String> {
        None
    }

    fn reason(&self, _: &Entry, _: &Asker) -> String {
        String::new()
    }

    fn bytes(&self) -> usize {
        self.0
    }

    fn forget(&mut self) {
        self.0 = 0;
    }
}

fn entry(body: usize) -> Entry {
    Entry {
        time: Timestamp(0),
        method: Method::GET,
        path: "/".to_owned(),
        api_key: String::new(),
        status: 200,
        answered: Answered::Refused(Box::new(Kept(body))),
    }
}

#[test]
fn requests_beyond_the_bound_are_counted_and_not_kept() {
    let log = stuck();
    for _ in 0..WAITING + 10 {
        log.take(entry(0));
    }
    let queue = log.shared.lock();
    assert_eq!((queue.entries.len(), queue.passed_over), (WAITING, 10));
}

#[test]
fn arguments_beyond_the_bound_are_let_go_but_the_request_is_told() {
    let log = stuck();
    let body = 60 * 1024;
    for _ in 0..200 {
        log.take(entry(body));
    }
    let queue = log.shared.lock();
    assert_eq!(queue.entries.len(), 200);
    let with = queue.entries.iter().filter(|entry| entry.bytes() > body).count();
    assert!(with == WAITING_BYTES / (body + size_of::<Entry>() + 1), "{with} keep their arguments");
    assert!(queue.bytes <= WAITING_BYTES + 200 * (size_of::<Entry>() + 1), "{} bytes", queue.bytes);
}

#[test]
fn nobody_waits_for_a_log_that_has_stopped() {
    let log = stuck();
    log.stop();
    log.take(entry(0));
    assert_eq!(log.shared.lock().entries.len(), 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    assert_eq!(runtime.block_on(log.rows()).map(|(rows, _)| rows.len()), None);
}
