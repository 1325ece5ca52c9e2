//! Pages of events.

use uuid::Uuid;

use crate::json::{Object, write_array};
use crate::time::Timestamp;

/// Something that happened, as one list tells it.
pub trait Event {
    /// Appends the object whose one member names the kind.
    fn write(&self, out: &mut Vec<u8>);
}

/// An event with its name and its time.
#[derive(Clone, Debug)]
pub struct Element<E> {
    /// Its name; mark prices have none.
    pub uid: Option<Uuid>,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub event: E,
}

impl<E: Event> Element<E> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        match self.uid {
            Some(uid) => object.uuid("uid", uid),
            None => object.string("uid", ""),
        }
        object.epoch_millis("timestamp", self.timestamp);
        self.event.write(object.member("event"));
        object.end();
    }
}

/// Appends a page of an account's events. The token is that of the next page, if there is one.
pub fn write_account_page<E: Event>(
    out: &mut Vec<u8>,
    account_uid: Uuid,
    elements: impl IntoIterator<Item = Element<E>>,
    token: Option<&str>,
    server_time: Timestamp,
) {
    let mut page = Object::new(out);
    page.uuid("accountUid", account_uid);
    page.time("serverTime", server_time);
    write_elements(page, elements, token);
}

/// Appends a page of a market's events, which names nobody and tells no time of its own.
pub fn write_public_page<E: Event>(
    out: &mut Vec<u8>,
    elements: impl IntoIterator<Item = Element<E>>,
    token: Option<&str>,
) {
    write_elements(Object::new(out), elements, token);
}

fn write_elements<E: Event>(
    mut page: Object<'_>,
    elements: impl IntoIterator<Item = Element<E>>,
    token: Option<&str>,
) {
    let mut len = 0_u64;
    write_array(page.member("elements"), elements, |out, element| {
        len += 1;
        element.write(out);
    });
    page.int("len", len);
    page.string_if_some("continuationToken", token);
    page.end();
}
