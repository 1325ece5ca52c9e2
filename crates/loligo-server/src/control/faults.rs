//! Verbs for faults that requests are told on purpose, and for operations out of service.

use super::body::{Nothing, read};
use super::verbs::fact_trouble;
use super::{Control, Refused, Trouble};
use crate::projection::FaultEntry;
use crate::record::{Fact, FactOutcome, FaultId, FaultWord};
use http::StatusCode;
use loligo_engine::{Command, OrderId};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum FaultBody {
    /// The engine panics on the next record, and the exchange stops.
    PanicInApply {},
    ServerError(OperationFault),
    UnknownError(OperationFault),
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
struct OperationFault {
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

impl Control {
    pub(super) async fn set_route(&self, operation: &str, body: &[u8]) -> Result<Value, Trouble> {
        let operation = self.known_operation(operation, StatusCode::NOT_FOUND)?;
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

    async fn tell(&self, fault: OperationFault, word: FaultWord) -> Result<Value, Trouble> {
        let OperationFault { operation, times } = fault;
        let operation = self.known_operation(&operation, StatusCode::BAD_REQUEST)?.to_owned();
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

    fn known_operation(&self, name: &str, unknown: StatusCode) -> Result<&'static str, Refused> {
        self.operations.served_name(name).ok_or_else(|| {
            let sentence = "no such operation is served; it is named as the contract's operationId, such as getOrderStatus";
            Refused::new(unknown, sentence)
        })
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

fn shown(fault: &FaultEntry, left: u32) -> Value {
    let FaultEntry { id, operation, word, times } = fault;
    let kind = match word {
        FaultWord::ServerError => "server_error",
        FaultWord::UnknownError => "unknown_error",
    };
    json!({ "id": id.0, "kind": kind, "operation": operation, "times": times, "left": left })
}
