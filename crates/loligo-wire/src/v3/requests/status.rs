//! The request of `/orders/status`.

use std::borrow::Cow;

use uuid::Uuid;

use super::{ClientOrderId, RequestError, parse_uuid};
use crate::args::{Args, Value};

/// Most ids that one request may name, of both kinds together.
pub const MAX_ORDER_IDS: usize = 500;

/// `POST /orders/status`, and GET with the same arguments. Both lists may be empty.
///
/// Each list may come as a repeated argument, also `orderIds[]` and `orderIds[0]`, or as one comma-joined value. Ids are
/// given back in the order asked, repeated ones included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrdersStatus<'a> {
    /// The exchange's ids.
    pub order_ids: Vec<Uuid>,
    /// Clients' ids, only those that an order can have. A value with commas is given both whole and in parts: a comma may
    /// join ids or belong to one, and an id that names nothing is simply left out of the answer.
    pub cli_ord_ids: Vec<Cow<'a, str>>,
}

impl<'a> OrdersStatus<'a> {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] for a malformed UUID, and for more than [`MAX_ORDER_IDS`] ids. This route answers
    /// it without the argument's name.
    pub fn parse(args: &Args<'a>) -> Result<Self, RequestError> {
        let mut request = Self::default();
        let mut count = 0;
        for (name, value) in args.pairs() {
            if crate::args::is_list_name(&name, "orderIds") {
                request.read_order_ids(value, &mut count)?;
            } else if crate::args::is_list_name(&name, "cliOrdIds") {
                request.read_client_ids(value, &mut count)?;
            }
        }
        Ok(request)
    }

    fn read_order_ids(&mut self, value: Value<'a>, count: &mut usize) -> Result<(), RequestError> {
        const INVALID: RequestError = RequestError::InvalidArgument("orderIds");
        let token = value.token().map_err(|_| INVALID)?;
        for text in token.split(|&byte| byte == b',').filter(|text| !text.is_empty()) {
            count_one(count, "orderIds")?;
            self.order_ids.push(parse_uuid(text).ok_or(INVALID)?);
        }
        Ok(())
    }

    fn read_client_ids(&mut self, value: Value<'a>, count: &mut usize) -> Result<(), RequestError> {
        let Ok(text) = value.text() else {
            // No order has such an id.
            return count_one(count, "cliOrdIds");
        };
        let parts = || text.split(',').filter(|part| !part.is_empty());
        for _ in parts() {
            count_one(count, "cliOrdIds")?;
        }
        let parts: Vec<_> =
            if text.contains(',') { parts().map(str::to_owned).collect() } else { Vec::new() };
        let candidates = std::iter::once(text).chain(parts.into_iter().map(Cow::Owned));
        self.cli_ord_ids.extend(candidates.filter_map(|text| match ClientOrderId::classify(text) {
            ClientOrderId::Valid(text) => Some(text),
            ClientOrderId::TooLong(_) | ClientOrderId::Invalid => None,
        }));
        Ok(())
    }
}

fn count_one(count: &mut usize, name: &'static str) -> Result<(), RequestError> {
    *count += 1;
    if *count > MAX_ORDER_IDS { Err(RequestError::InvalidArgument(name)) } else { Ok(()) }
}
