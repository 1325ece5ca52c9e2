//! What can be asked of the exchange in any dialect: what the operator may look at, take out of service and have told
//! faults.

use http::Method;

/// One operation by one method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its name in the contract of its dialect.
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Whether this version serves it.
    pub(crate) built: bool,
}

/// All operations of all dialects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operations {
    pub(crate) all: Vec<Operation>,
    /// Further names of operations, and the one that each is known by.
    pub(crate) aliases: Vec<(&'static str, &'static str)>,
}

impl Operations {
    /// The one name of an operation that is served, by any of its names.
    pub(crate) fn served_name(&self, name: &str) -> Option<&'static str> {
        let name = self.aliases.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, one)| *one);
        self.all.iter().find(|operation| operation.name == name && operation.built).map(|found| found.name)
    }
}
