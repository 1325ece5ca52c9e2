//! Faults that requests are told on purpose, whatever dialect they are asked in.
//!
//! Which faults there are is in the journal, so that a rehearsal replays and a restart keeps them. How often one has been
//! told is not: the countdown is here, and begins anew with a start. A fault that has been told to the end is remembered
//! as ended, and stays so.

use crate::projection::{FaultEntry, Projections};
use crate::record::{FaultId, FaultWord};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often each fault is still to be told. One that has not been told yet has no entry.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    left: Mutex<BTreeMap<FaultId, u32>>,
}

/// A fault that a request is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) word: FaultWord,
    /// Its number, when this was the last time.
    pub(crate) ended: Option<FaultId>,
}

impl Faults {
    /// The fault that the next request of an operation is told, if there is one: the oldest that is not used up.
    pub(crate) fn next(&self, views: &Projections, operation: &str) -> Option<Due> {
        if views.service().faults.is_empty() {
            return None;
        }
        let mut left = self.lock();
        // Looked at again under the lock: a fault that is gone from here never comes back, so that its count can go, too.
        let service = views.service();
        left.retain(|id, _| service.faults.iter().any(|fault| fault.id == *id));
        let of_operation = service.faults.iter().filter(|fault| fault.operation == operation);
        for fault in of_operation {
            let times = left.entry(fault.id).or_insert(fault.times);
            if *times > 0 {
                *times -= 1;
                return Some(Due { word: fault.word, ended: (*times == 0).then_some(fault.id) });
            }
        }
        None
    }

    /// A fault that was to be told is not: it waits for another request.
    pub(crate) fn untold(&self, fault: FaultId) {
        if let Some(times) = self.lock().get_mut(&fault) {
            *times += 1;
        }
    }

    pub(crate) fn left(&self, fault: &FaultEntry) -> u32 {
        self.lock().get(&fault.id).copied().unwrap_or(fault.times)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FaultId, u32>> {
        // Every step leaves the counts whole, so what a panicking request left behind can be used.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::Service;

    #[test]
    fn a_fault_that_could_not_be_told_waits_for_the_next_request() {
        let views = Projections::default();
        let (id, operation) = (FaultId(1), "getFills".to_owned());
        let fault = FaultEntry { id, operation, word: FaultWord::ServerError, times: 1 };
        views.publish_service(Service { faults: vec![fault.clone()], ..Service::default() });
        let faults = Faults::default();
        let last = Some(Due { word: FaultWord::ServerError, ended: Some(id) });
        assert_eq!(faults.next(&views, "getFills"), last);
        assert_eq!((faults.next(&views, "getFills"), faults.left(&fault)), (None, 0));
        faults.untold(id);
        assert_eq!((faults.left(&fault), faults.next(&views, "getFills")), (1, last));
        // One that the operator took back meanwhile is not made anew.
        views.publish_service(Service {
            faults: vec![FaultEntry { id: FaultId(2), ..fault.clone() }],
            ..Service::default()
        });
        assert!(faults.next(&views, "getFills").is_some());
        faults.untold(id);
        assert_eq!(faults.lock().keys().copied().collect::<Vec<_>>(), [FaultId(2)]);
    }
}
