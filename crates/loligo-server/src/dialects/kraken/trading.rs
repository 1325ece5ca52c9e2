//! Requests that place, amend and cancel orders.

use super::convert::{commands, orders, outcomes};
use super::private::KrakenRequest;
use super::reasons::{Note, Notes};
use super::{Answer, Failure, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::node::{MAX_BATCH_RECORDS, Reply, Submission, Views};
use crate::projection::Directory;
use crate::story::moves::OrderMove;
use loligo_engine::{
    AccountId, Ask, CancelAllAfterOutcome, CancelAllOutcome, CancelOutcome, Command, EditOutcome,
    InstrumentId, OrderError, OrderRef, Outcome, PlaceOutcome,
};
use loligo_wire::v3::requests::{self, BatchInstruction, BatchOrder, OrderName};
use loligo_wire::v3::responses::{self, OrderEvent};
use loligo_wire::v3::words::{self, CancelStatus, EditStatus, Error, SendStatus};
use uuid::Uuid;

/// An element of a batch on its way: what it submits, or what it is answered without asking the exchange.
enum Element {
    Send(Ask<PlaceOutcome>),
    /// With further tries where the order may be in several contracts: only the one that finds it does anything.
    Edit(Ask<EditOutcome>, Vec<Ask<EditOutcome>>),
    Cancel(Ask<CancelOutcome>),
    Answer(SendStatus),
}

/// How many further tries the edits of one batch may take: with one command an element they fill what the journal takes of
/// a batch.
const TRIES_MAX: usize = MAX_BATCH_RECORDS - requests::MAX_BATCH_INSTRUCTIONS;

impl Element {
    fn commands(&self) -> impl Iterator<Item = &Command> {
        let (first, others) = match self {
            Element::Send(place) => (Some(place.command()), &[][..]),
            Element::Edit(edit, others) => (Some(edit.command()), others.as_slice()),
            Element::Cancel(cancel) => (Some(cancel.command()), &[][..]),
            Element::Answer(_) => (None, &[][..]),
        };
        first.into_iter().chain(others.iter().map(Ask::command))
    }

    /// Takes its replies out of all that came, and gives the one that counts: of several tries the one that found the order.
    fn reply<'r>(&self, replies: &mut impl Iterator<Item = &'r Reply>) -> Option<&'r Reply> {
        let missed = |reply: &Reply| matches!(reply.outcome, Outcome::EditRejected(None, _));
        let own = replies.take(self.commands().count());
        own.reduce(|found, reply| if missed(found) { reply } else { found })
    }

    /// What it is told, in the words of the one list that a batch has. `late` is whether it was too late for the others.
    fn told<'r>(&self, reply: Option<&'r Reply>, late: bool) -> Result<ElementResult<'r>, Error> {
        let plain = |status| ElementResult { status, order: None, events: Vec::new(), error: None };
        // What an element is told when trading was switched off after others of its batch were looked at, though those were
        // carried out. The list has no word for it. To the account, it is as if the market were suspended: nothing happened,
        // what rests goes on resting, and cancels work. Cancels are refused to a deactivated account alone, whose orders are gone.
        match (self, reply) {
            (Element::Answer(_), _) if late => Ok(plain(SendStatus::WouldProcessAfterSpecifiedTime)),
            (Element::Answer(status), _) => Ok(plain(*status)),
            (_, None) => Err(Error::UnknownError),
            (Element::Send(_), Some(reply)) => match Ask::<PlaceOutcome>::outcome(reply.outcome.clone()) {
                PlaceOutcome::AccountInactive => Ok(plain(SendStatus::MarketSuspended)),
                outcome => {
                    let error = place_error(&outcome);
                    let sent = outcomes::sent(&outcome, &reply.events)?;
                    let word = error.and_then(orders::refusal);
                    let status = word.map_or(sent.status, words::OrderError::batch_status);
                    Ok(ElementResult { status, order: sent.order, events: sent.events, error })
                }
            },
            (Element::Edit(..), Some(reply)) => match Ask::<EditOutcome>::outcome(reply.outcome.clone()) {
                EditOutcome::AccountInactive => Ok(plain(SendStatus::MarketSuspended)),
                outcome => {
                    let error = edit_error(&outcome);
                    let edited = outcomes::edited(&outcome, &reply.events)?;
                    Ok(ElementResult {
                        status: edited.status.into(),
                        order: edited.order,
                        events: edited.events,
                        error,
                    })
                }
            },
            (Element::Cancel(_), Some(reply)) => match Ask::<CancelOutcome>::outcome(reply.outcome.clone()) {
                CancelOutcome::AccountInactive => Ok(plain(SendStatus::NotFound)),
                outcome => {
                    let cancelled = outcomes::cancelled(&outcome, &reply.events)?;
                    let events = cancelled.event.into_iter().collect();
                    Ok(ElementResult {
                        status: cancelled.status.into(),
                        order: cancelled.order,
                        events,
                        error: None,
                    })
                }
            },
        }
    }
}

/// What an element of a batch is told.
struct ElementResult<'r> {
    status: SendStatus,
    order: Option<loligo_engine::OrderId>,
    events: Vec<OrderMove<'r>>,
    /// The check that refused it.
    error: Option<OrderError>,
}

/// The check that refused an order.
fn place_error(outcome: &PlaceOutcome) -> Option<OrderError> {
    match outcome {
        PlaceOutcome::Rejected(_, error) => Some(*error),
        PlaceOutcome::Placed(_)
        | PlaceOutcome::AccountInactive
        | PlaceOutcome::TooLate
        | PlaceOutcome::Refused(_) => None,
    }
}

/// The check that refused an edit.
fn edit_error(outcome: &EditOutcome) -> Option<OrderError> {
    match outcome {
        EditOutcome::EditRejected(_, error) => Some(*error),
        EditOutcome::Edited(_)
        | EditOutcome::AccountInactive
        | EditOutcome::TooLate
        | EditOutcome::Refused(_) => None,
    }
}

impl Kraken {
    pub(super) async fn send_order(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SendOrder<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let (directory, arrived, algo_id) = (asked.directory, asked.arrived, asked.algo_id());
        let notebook = asked.notebook;
        let request = request?;
        let place = commands::place(&request, caller.account, algo_id, directory)?;
        let instrument = Some(place.instrument);
        let reply = self.node.ask(commands::placing(&request, place), caller.nonce).await?;

        let sent = outcomes::sent(&reply.outcome, &reply.events)?;
        let error = place_error(&reply.outcome);
        notebook.note(|| Notes::of(noted(0, sent.status, error, instrument).into_iter()));
        let shown = self.shown(directory);
        let events: Vec<_> = sent.events.iter().filter_map(|one| shown.event(one)).collect();
        let answer = responses::SendOrder {
            status: sent.status,
            order_id: sent.order.map(|id| self.node.identity().order_uuid(id)),
            cli_ord_id: request.cli_ord_id.as_ref().and_then(requests::ClientOrderId::as_str),
            received_time: time(arrived),
            order_events: &events,
        };
        let mut body = Vec::with_capacity(1024);
        answer.write(&mut body, time(self.node.now()));
        Ok(body)
    }

    fn shown<'d>(&'d self, directory: &'d Directory) -> orders::Shown<'d> {
        orders::Shown { directory, identity: self.node.identity() }
    }

    pub(super) async fn edit_order(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::EditOrder<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let (directory, arrived, notebook) = (asked.directory, asked.arrived, asked.notebook);
        let request = request?;
        asked.may_trade(&caller)?;
        let mut body = Vec::with_capacity(1024);
        let mut tell = |edited: &outcomes::Edited<'_>| {
            let shown = self.shown(directory);
            let events: Vec<_> = edited.events.iter().filter_map(|one| shown.event(one)).collect();
            let answer = responses::EditOrder {
                status: edited.status,
                order_id: edited
                    .order
                    .map(|id| self.node.identity().order_uuid(id))
                    .or(named_id(&request.order)),
                no_order_id: no_id(&request.order),
                cli_ord_id: edited.cli_ord_id().or(client_name(&request.order)),
                received_time: time(arrived),
                order_events: &events,
            };
            answer.write(&mut body, time(self.node.now()));
        };
        // Which grid its numbers are on, the order tells; it must be visible by now if it was ever acknowledged.
        match self.edit(&asked, &request, caller.account, None) {
            Some(edit) => {
                let instrument = instrument_of(edit.command());
                let reply = self.node.ask(edit, caller.nonce).await?;
                let edited = outcomes::edited(&reply.outcome, &reply.events)?;
                let (status, error) = (edited.status.into(), edit_error(&reply.outcome));
                notebook.note(|| Notes::of(noted(0, status, error, instrument).into_iter()));
                tell(&edited);
            }
            None => {
                let mut edited = outcomes::Edited::not_found();
                if self.is_too_late(request.process_before) {
                    edited.status = EditStatus::WouldProcessAfterSpecifiedTime;
                }
                notebook.note(|| Notes::of(noted(0, edited.status.into(), None, None).into_iter()));
                tell(&edited);
            }
        }
        Ok(body)
    }

    /// The edit that a request describes. An order that cannot be found now was acknowledged to nobody, unless the same
    /// batch sends it first: then `sent` knows its contract.
    fn edit(
        &self,
        asked: &KrakenRequest<'_>,
        request: &requests::EditOrder<'_>,
        account: AccountId,
        sent: Option<InstrumentId>,
    ) -> Option<Ask<EditOutcome>> {
        let order = commands::order_ref(&request.order, self.node.identity())?;
        let instrument = self.instrument_of(asked.views, account, &order).or(sent)?;
        self.edit_in(request, account, asked.directory, instrument)
    }

    /// The same in a contract. By the time it is taken up the name may be another order's: the engine looks whether it is in
    /// this contract, and does nothing if not.
    fn edit_in(
        &self,
        request: &requests::EditOrder<'_>,
        account: AccountId,
        directory: &Directory,
        instrument: InstrumentId,
    ) -> Option<Ask<EditOutcome>> {
        let order = commands::order_ref(&request.order, self.node.identity())?;
        let listed = directory.instruments().get(usize::from(instrument.0))?;
        Some(commands::amending(request, commands::edit(request, account, order, listed)))
    }

    /// The contract of an account's order.
    fn instrument_of(&self, views: &Views, account: AccountId, order: &OrderRef) -> Option<InstrumentId> {
        let now = self.node.now();
        views.orders().with(account, |orders| match order {
            OrderRef::Id(id) => orders.order(*id, now).map(|order| order.instrument),
            OrderRef::Foreign(_) => None,
            // The order that holds the name is the newest; a refused one holds none.
            OrderRef::Client(name) => orders
                .by_client_id(name, now)
                .iter()
                .rev()
                .find(|order| order.status != loligo_engine::OrderStatus::Rejected)
                .map(|order| order.instrument),
        })
    }

    fn is_too_late(&self, process_before: Option<loligo_wire::time::Timestamp>) -> bool {
        process_before.is_some_and(|limit| self.node.now() >= commands::instant(limit))
    }

    pub(super) async fn cancel_order(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::CancelOrder<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let (directory, arrived, notebook) = (asked.directory, asked.arrived, asked.notebook);
        let request = request?;
        asked.active(&caller)?;
        let identity = self.node.identity();
        let mut body = Vec::with_capacity(768);
        let mut tell = |cancelled: &outcomes::Cancelled<'_>| {
            let shown = self.shown(directory);
            let events: Vec<_> = cancelled.event.iter().filter_map(|one| shown.event(one)).collect();
            let answer = responses::CancelOrder {
                status: cancelled.status,
                order_id: cancelled.order.map(|id| identity.order_uuid(id)),
                cli_ord_id: cancelled.cli_ord_id().or(client_name(&request.order)),
                received_time: time(arrived),
                order_events: &events,
            };
            answer.write(&mut body, time(self.node.now()));
        };
        match commands::cancel(&request, caller.account, identity) {
            Some(cancel) => {
                let reply = self.node.ask(cancel, caller.nonce).await?;
                let cancelled = outcomes::cancelled(&reply.outcome, &reply.events)?;
                let status = cancelled.status.into();
                notebook.note(|| Notes::of(noted(0, status, None, None).into_iter()));
                tell(&cancelled);
            }
            // What can be no order's name is nothing to remember; the time limit is still told first.
            None => {
                let status = if self.is_too_late(request.process_before) {
                    CancelStatus::WouldProcessAfterSpecifiedTime
                } else {
                    CancelStatus::NotFound
                };
                notebook.note(|| Notes::of(noted(0, status.into(), None, None).into_iter()));
                tell(&outcomes::Cancelled { status, order: None, event: None });
            }
        }
        Ok(body)
    }

    pub(super) async fn cancel_all_orders(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let (directory, arrived) = (asked.directory, asked.arrived);
        let request = asked.read(&caller, requests::CancelAllOrders::parse)?;
        let (shown, scope) = match request.symbol {
            None => (None, vec![None]),
            Some(symbol) => {
                let (name, contracts) = commands::market_or_product(directory, &symbol)?;
                (Some(name), contracts.into_iter().map(Some).collect())
            }
        };
        // A product's contracts are cancelled one after the other, nothing in between; the first carries the nonce.
        let command = |instrument| Ask::cancel_all(caller.account, instrument).into_command();
        let submissions = scope.iter().enumerate().map(|(at, instrument)| Submission {
            command: command(*instrument),
            nonce: caller.nonce.filter(|_| at == 0),
        });
        let replies = self.node.submit_all(submissions.collect()).await?;

        let mut gone = Vec::new();
        for (reply, instrument) in replies.iter().zip(scope) {
            let outcome: CancelAllOutcome = Ask::outcome(reply.outcome.clone());
            gone.extend(outcomes::cancelled_all(&outcome, &reply.events, caller.account, instrument)?);
        }
        let identity = self.node.identity();
        let orders = self.shown(directory);
        let moves: Vec<_> = gone.iter().map(|order| OrderMove::Cancel { order }).collect();
        let events: Vec<_> = moves.iter().filter_map(|one| orders.event(one)).collect();
        let cancelled: Vec<_> = gone
            .iter()
            .map(|order| responses::CancelledOrder {
                order_id: identity.order_uuid(order.id),
                cli_ord_id: order.client_order_id.as_deref(),
            })
            .collect();
        let answer = responses::CancelAllOrders {
            symbol: shown.as_deref(),
            cancelled_orders: &cancelled,
            received_time: time(arrived),
            order_events: &events,
        };
        let mut body = Vec::with_capacity(512 + 512 * events.len());
        answer.write(&mut body, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn cancel_all_orders_after(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let request = requests::CancelAllOrdersAfter::parse(asked.args()?)?;
        let reply =
            self.node.ask(Ask::cancel_all_after(caller.account, request.timeout), caller.nonce).await?;
        match reply.outcome {
            CancelAllAfterOutcome::Armed(at) => {
                let mut body = Vec::with_capacity(192);
                responses::write_dead_mans_switch(&mut body, at.map(time), time(reply.time));
                Ok(body)
            }
            CancelAllAfterOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            CancelAllAfterOutcome::Refused(refusal) => Err(outcomes::at_odds(refusal).into()),
        }
    }

    /// Runs the elements of a batch in their order, nothing in between, and answers each in its place.
    pub(super) async fn batch_order(
        &self,
        asked: KrakenRequest<'_>,
        batch: Result<BatchOrder, Failure>,
        caller: Caller,
    ) -> Answer {
        let (directory, arrived, notebook) = (asked.directory, asked.arrived, asked.notebook);
        let batch = batch?;
        let mut elements = Vec::with_capacity(batch.instructions.len());
        let mut tries = TRIES_MAX;
        for at in 0..batch.instructions.len() {
            elements.push(self.element(&asked, &batch, at, caller.account, &mut tries)?);
        }
        // Row 5 is the whole batch's: one that places or amends nothing runs with trading off, too.
        let cancels = |one: &BatchInstruction| matches!(one, BatchInstruction::Cancel(_));
        if batch.instructions.iter().all(cancels) {
            asked.active(&caller)?
        } else {
            asked.may_trade(&caller)?
        }
        let submissions = elements
            .iter()
            .flat_map(Element::commands)
            .cloned()
            .enumerate()
            // A nonce is one request's; its first command carries it.
            .map(|(at, command)| Submission { command, nonce: caller.nonce.filter(|_| at == 0) })
            .collect();
        let replies = self.node.submit_all(submissions).await?;

        let results = batch_results(&elements, &replies)?;
        notebook.note(|| batch_notes(&elements, &results));
        let shown = self.shown(directory);
        let events: Vec<Vec<OrderEvent<'_>>> = results
            .iter()
            .map(|result| result.events.iter().filter_map(|one| shown.event(one)).collect())
            .collect();
        let rows = results.iter().zip(&events).zip(&batch.instructions).map(|((result, events), asked)| {
            let (order_tag, named, cli_ord_id) = match asked {
                BatchInstruction::Send(send) => (
                    Some(send.order_tag.as_str()),
                    None,
                    send.cli_ord_id.as_ref().and_then(requests::ClientOrderId::as_str),
                ),
                BatchInstruction::Edit(edit) => (None, Some(&edit.order), client_name(&edit.order)),
                BatchInstruction::Cancel(cancel) => (None, Some(&cancel.order), client_name(&cancel.order)),
            };
            responses::BatchResult {
                status: result.status,
                order_tag,
                order_id: result
                    .order
                    .map(|id| self.node.identity().order_uuid(id))
                    .or(named.and_then(named_id)),
                no_order_id: named.and_then(no_id),
                cli_ord_id,
                received_time: time(arrived),
                order_events: events,
            }
        });
        let mut body = Vec::with_capacity(256 + 640 * results.len());
        responses::write_batch_status(&mut body, rows, time(self.node.now()));
        Ok(body)
    }

    /// What the element of a batch at a place comes to.
    fn element(
        &self,
        asked: &KrakenRequest<'_>,
        batch: &BatchOrder,
        at: usize,
        account: AccountId,
        tries: &mut usize,
    ) -> Result<Element, Failure> {
        let (directory, algo_id) = (asked.directory, asked.algo_id());
        let process_before = batch.process_before;
        let (before, from_here) = batch.instructions.split_at(at);
        let late = |status| {
            let late = self.is_too_late(process_before);
            Element::Answer(if late { SendStatus::WouldProcessAfterSpecifiedTime } else { status })
        };
        Ok(match &from_here[0] {
            BatchInstruction::Send(send) => match &send.order {
                Err(status) => late(*status),
                Ok(order) => {
                    let mut place = commands::place(order, account, algo_id, directory)?;
                    place.process_before = process_before.map(commands::instant);
                    Element::Send(commands::placing(order, place))
                }
            },
            BatchInstruction::Edit(edit) => {
                let sent = sent_before(before, &edit.order, directory);
                let request = requests::EditOrder { process_before, ..edit.clone() };
                let (last, others) = sent.split_first().map_or((None, &[][..]), |(at, all)| (Some(*at), all));
                match self.edit(asked, &request, account, last) {
                    Some(found) => {
                        // Which of them has the name by then, nobody knows yet: each is asked on its own grid.
                        let others = if instrument_of(found.command()) == last { others } else { &[] };
                        let edit = |at: &InstrumentId| self.edit_in(&request, account, directory, *at);
                        let others: Vec<_> = others.iter().take(*tries).filter_map(edit).collect();
                        *tries -= others.len();
                        Element::Edit(found, others)
                    }
                    None => late(SendStatus::OrderForEditNotFound),
                }
            }
            BatchInstruction::Cancel(cancel) => {
                let request = requests::CancelOrder { process_before, ..cancel.clone() };
                match commands::cancel(&request, account, self.node.identity()) {
                    Some(cancel) => Element::Cancel(cancel),
                    None => late(SendStatus::NotFound),
                }
            }
        })
    }
}

/// The contracts of the orders that a batch sends under the client's name, the last first.
fn sent_before(
    before: &[BatchInstruction],
    order: &OrderName<'_>,
    directory: &Directory,
) -> Vec<InstrumentId> {
    let Some(name) = client_name(order) else { return Vec::new() };
    let mut contracts = Vec::new();
    for instruction in before.iter().rev() {
        let BatchInstruction::Send(send) = instruction else { continue };
        let own = send.cli_ord_id.as_ref().and_then(requests::ClientOrderId::as_str);
        let Some(order) = send.order.as_ref().ok().filter(|_| own == Some(name)) else { continue };
        let listed = directory.by_symbol(order.symbol.as_str()).map(|listed| listed.id);
        contracts.extend(listed.filter(|id| !contracts.contains(id)));
    }
    contracts
}

/// The client's own name for an order, where it is named so.
fn client_name<'n>(order: &'n OrderName<'_>) -> Option<&'n str> {
    match order {
        OrderName::ClientId(name) => Some(name),
        OrderName::Nothing { client_id, .. } => client_id.as_deref(),
        OrderName::Id(_) => None,
    }
}

/// The exchange's own name for an order, where it is named so. It goes back to the asker even if there is no such order.
fn named_id(order: &OrderName<'_>) -> Option<Uuid> {
    match order {
        OrderName::Id(id) => Some(*id),
        OrderName::ClientId(_) | OrderName::Nothing { .. } => None,
    }
}

/// What was given as the exchange's own name for an order and can be none: it goes back to the asker likewise.
fn no_id<'n>(order: &'n OrderName<'_>) -> Option<&'n str> {
    match order {
        OrderName::Nothing { id, .. } => id.as_deref(),
        OrderName::Id(_) | OrderName::ClientId(_) => None,
    }
}

/// What the log is told of an order, an edit or a cancel that was refused; nothing of one that was carried out.
fn noted(
    element: usize,
    status: SendStatus,
    error: Option<OrderError>,
    instrument: Option<InstrumentId>,
) -> Option<Note> {
    let carried_out = matches!(
        status,
        SendStatus::Placed | SendStatus::Edited | SendStatus::Cancelled | SendStatus::PartiallyFilled
    );
    (!carried_out).then(|| Note { element, word: status.as_str(), error, instrument })
}

/// What the log is told of a batch.
fn batch_notes(elements: &[Element], results: &[ElementResult<'_>]) -> Notes {
    Notes::of(elements.iter().zip(results).enumerate().filter_map(|(at, (element, result))| {
        let instrument = element.commands().next().and_then(instrument_of);
        noted(at + 1, result.status, result.error, instrument)
    }))
}

/// The contract of a command that places or amends an order.
fn instrument_of(command: &Command) -> Option<InstrumentId> {
    match command {
        Command::Place(place) => Some(place.instrument),
        Command::PlaceOffGrid(asked) => Some(asked.0.instrument),
        Command::Edit(edit) => edit.instrument,
        Command::EditOffGrid(asked) => asked.0.instrument,
        _ => None,
    }
}

/// Each element's answer in its place.
fn batch_results<'r>(elements: &[Element], replies: &'r [Reply]) -> Result<Vec<ElementResult<'r>>, Failure> {
    let inactive = |reply: &Reply| reply.outcome == Outcome::AccountInactive;
    // Nothing happened, so it is the whole batch's answer, as it is when it is known before.
    if !replies.is_empty() && replies.iter().all(inactive) {
        return Err(Error::AccountInactive.into());
    }
    // All are taken up at one time: if it is too late for one, it is for those that need not be taken up, too.
    let late = replies.iter().any(|reply| reply.outcome == Outcome::TooLate);
    let mut next = replies.iter();
    let mut told = |element: &Element| Ok(element.told(element.reply(&mut next), late)?);
    elements.iter().map(&mut told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use loligo_engine::{CancelOrder, OnGrid, OrderId, OrderType, PlaceOrder, Side, Timestamp};
    use loligo_wire::v3::errors::ErrorAnswer;

    fn told(outcomes: &[Outcome]) -> Result<Vec<SendStatus>, ErrorAnswer> {
        let order = OrderRef::Id(OrderId(1));
        let cancel = CancelOrder { account: AccountId(0), order, process_before: None };
        let place = PlaceOrder {
            account: AccountId(0),
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Market,
            qty: OnGrid::Steps(1),
            limit_price: None,
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        };
        let elements = [
            Element::Cancel(cancel.into()),
            Element::Answer(SendStatus::InvalidSide),
            Element::Send(place.into()),
        ];
        let reply = |outcome: &Outcome| Reply {
            sequence: 1,
            time: Timestamp(0),
            outcome: outcome.clone(),
            events: Default::default(),
        };
        let replies: Vec<Reply> = outcomes.iter().map(reply).collect();
        match batch_results(&elements, &replies) {
            Ok(results) => Ok(results.iter().map(|told| told.status).collect()),
            Err(Failure::Word(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn elements_that_were_carried_out_are_told_though_others_came_after_trading_ended() {
        use SendStatus::{Cancelled, InvalidSide, MarketSuspended, NotFound, Placed};
        let id = OrderId(1);
        for (outcomes, want) in [
            (
                [Outcome::Cancelled(id), Outcome::AccountInactive],
                Ok([Cancelled, InvalidSide, MarketSuspended]),
            ),
            ([Outcome::AccountInactive, Outcome::Placed(id)], Ok([NotFound, InvalidSide, Placed])),
            ([Outcome::AccountInactive, Outcome::AccountInactive], Err(Error::AccountInactive.into())),
        ] {
            assert_eq!(told(&outcomes), want.map(|statuses| statuses.to_vec()), "{outcomes:?}");
        }
    }

    #[test]
    fn a_batch_that_is_too_late_is_so_in_every_element() {
        let late = SendStatus::WouldProcessAfterSpecifiedTime;
        assert_eq!(told(&[Outcome::TooLate, Outcome::TooLate]), Ok(vec![late; 3]));
    }
}
