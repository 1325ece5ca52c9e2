mod batch;
mod conflicts;
mod margin;
mod orders;
mod queries;
mod settings;
mod transfers;

use super::{Request, RequestError};
use crate::args::Args;

fn args(form: &str) -> Args<'_> {
    Args::new(b"", form.as_bytes()).expect("within bounds")
}

/// Whether all that must be there is.
fn complete<'a, R: Request<'a>>(args: &Args<'a>) -> Result<(), RequestError> {
    R::find(args).map(drop)
}

const fn missing<T>(name: &'static str) -> Result<T, RequestError> {
    Err(RequestError::RequiredArgumentMissing(name))
}

const fn invalid<T>(name: &'static str) -> Result<T, RequestError> {
    Err(RequestError::InvalidArgument(name))
}
