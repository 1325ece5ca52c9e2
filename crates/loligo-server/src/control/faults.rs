//! Faults that requests are told on purpose, and operations out of service.
//!
//! Which faults there are is in the journal, so that a rehearsal replays and a restart keeps them. How often one has been
//! told is not: the countdown is here, and begins anew with a start. A fault that has been told to the end is remembered
//! as ended, and stays so.

use super::body::{Nothing, read};
use super::verbs::fact_trouble;
use super::{Control, Refused, Trouble};
use crate::gateway::routes::served_name;
use crate::projection::{FaultEntry, FaultId, FaultWord, Projections};
use crate::record::{Fact, FactOutcome};
use http::StatusCode;
use loligo_engine::{Command, OrderId};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum FaultBody {
    /// The engine panics on the next record, and the exchange stops.
    PanicInApply {},
    ServerError(Told),
    UnknownError(Told),
    /// A record as a later version would have written it.
    UnknownCode {
        order_id: String,
        reason: Option<u8>,
        trigger_side: Option<u8>,
        trigger_signal: Option<u8>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    operation: String,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteBody {
    available: bool,
}

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

    fn left(&self, fault: &FaultEntry) -> u32 {
        self.lock().get(&fault.id).copied().unwrap_or(fault.times)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FaultId, u32>> {
        // Every step leaves the counts whole, so what a panicking request left behind can be used.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    pub(super) async fn set_route(&self, operation: &str, body: &[u8]) -> Result<Value, Trouble> {
        let operation = known_operation(operation, StatusCode::NOT_FOUND)?;
        let RouteBody { available } = read(body)?;
        let fact = Fact::RouteSet { operation: operation.to_owned(), available };
        self.node.record(fact).await.map_err(fact_trouble)?;
        Ok(json!({ "operation": operation, "available": available }))
    }

    pub(super) async fn add_fault(&self, body: &[u8]) -> Result<Value, Trouble> {
        match read(body)? {
            FaultBody::PanicInApply {} => {
                self.order(vec![Command::InjectPanic]).await?;
                Ok(json!({ "kind": "panic_in_apply" }))
            }
            FaultBody::ServerError(told) => self.tell(told, FaultWord::ServerError).await,
            FaultBody::UnknownError(told) => self.tell(told, FaultWord::UnknownError).await,
            FaultBody::UnknownCode { order_id, reason, trigger_side, trigger_signal } => {
                let order = self.order_id(&order_id)?;
                if reason.or(trigger_side).or(trigger_signal).is_none() {
                    return Err(
                        Refused::bad("name a `reason`, a `trigger_side` or a `trigger_signal`").into()
                    );
                }
                if trigger_side.or(trigger_signal).is_some() && !self.has_trigger(order).await? {
                    return Err(
                        Refused::bad("the order has no trigger whose codes could be overwritten").into()
                    );
                }
                self.order(vec![Command::InjectCodes { order, reason, trigger_side, trigger_signal }])
                    .await?;
                Ok(json!({ "kind": "unknown_code", "order_id": order_id }))
            }
        }
    }

    async fn tell(&self, told: Told, word: FaultWord) -> Result<Value, Trouble> {
        let Told { operation, times } = told;
        let operation = known_operation(&operation, StatusCode::BAD_REQUEST)?.to_owned();
        let fact = Fact::FaultSet { operation: operation.clone(), word, times };
        match self.node.record(fact).await.map_err(fact_trouble)? {
            FactOutcome::FaultSet(id) => Ok(shown(&FaultEntry { id, operation, word, times }, times)),
            outcome => unreachable!("a fault's beginning came to {outcome:?}"),
        }
    }

    async fn has_trigger(&self, order: OrderId) -> Result<bool, Trouble> {
        let known = self.node.query(move |exchange| exchange.order(order)).await?;
        Ok(known.ok_or_else(no_such_order)?.trigger().is_some())
    }

    pub(super) fn faults_shown(&self) -> Value {
        let service = self.node.views().service();
        let faults: Vec<Value> =
            service.faults.iter().map(|fault| shown(fault, self.faults.left(fault))).collect();
        json!({ "faults": faults, "unavailable": service.out })
    }

    pub(super) async fn end_fault(&self, id: &str, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let unknown = || Refused::new(StatusCode::NOT_FOUND, "no such fault waits to be told");
        let fault = FaultId(id.parse().map_err(|_| unknown())?);
        self.node.record(Fact::FaultEnded { fault }).await.map_err(fact_trouble)?;
        Ok(json!({ "id": fault.0 }))
    }

    /// The order of a UUID. It may be unknown or gone all the same.
    pub(super) fn order_id(&self, uuid: &str) -> Result<OrderId, Refused> {
        let uuid = Uuid::try_parse(uuid).map_err(|_| Refused::bad("an order's id is a UUID"))?;
        self.node.identity().order_id(uuid).ok_or_else(no_such_order)
    }
}

fn no_such_order() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "no such order is known")
}

fn known_operation(name: &str, unknown: StatusCode) -> Result<&'static str, Refused> {
    served_name(name).ok_or_else(|| {
        let sentence =
            "no such operation is served; it is named as the contract's operationId, such as getOrderStatus";
        Refused::new(unknown, sentence)
    })
}

fn shown(fault: &FaultEntry, left: u32) -> Value {
    let kind = match fault.word {
        FaultWord::ServerError => "server_error",
        FaultWord::UnknownError => "unknown_error",
    };
    json!({ "id": fault.id.0, "kind": kind, "operation": fault.operation, "times": fault.times, "left": left })
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
