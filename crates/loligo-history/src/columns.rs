//! How the fields of a row become columns and come back.
//!
//! A row type lists its fields once; the table, the statement that writes and the one that reads follow from that list. A field
//! that is a group of its own has its columns named after it: `old: Earlier` with a field `price` is `old_price`.

use rusqlite::types::{FromSql, Value};

/// Something that takes up a fixed number of columns.
pub trait Columns: Sized {
    /// How many.
    const WIDTH: usize;

    /// Appends their definitions.
    fn define(name: &str, nullable: bool, out: &mut Vec<String>);

    /// Appends their values.
    fn put(&self, out: &mut Vec<Value>);

    /// Reads them back.
    ///
    /// # Errors
    /// When what is stored is something else.
    fn take(cells: &mut Cells<'_>) -> rusqlite::Result<Self>;
}

/// The columns of a row that have not been read yet.
#[derive(Debug)]
pub struct Cells<'r> {
    row: &'r rusqlite::Row<'r>,
    next: usize,
}

impl<'r> Cells<'r> {
    pub(crate) const fn from(row: &'r rusqlite::Row<'r>, next: usize) -> Self {
        Self { row, next }
    }

    /// Reads the next column.
    pub(crate) fn cell<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn skip_nulls(&mut self, width: usize) -> rusqlite::Result<bool> {
        let is_null = self.row.get_ref(self.next)? == rusqlite::types::ValueRef::Null;
        if is_null {
            self.next += width;
        }
        Ok(is_null)
    }
}

/// A group is absent when its first column is null, so the first field of a group that may be absent is never so itself.
impl<T: Columns> Columns for Option<T> {
    const WIDTH: usize = T::WIDTH;

    fn define(name: &str, _: bool, out: &mut Vec<String>) {
        T::define(name, true, out);
    }

    fn put(&self, out: &mut Vec<Value>) {
        match self {
            Some(value) => value.put(out),
            None => out.extend(std::iter::repeat_n(Value::Null, T::WIDTH)),
        }
    }

    fn take(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
        if cells.skip_nulls(T::WIDTH)? { Ok(None) } else { T::take(cells).map(Some) }
    }
}

macro_rules! cells {
    ($($type:ty as $sql:literal: |$value:ident| $put:expr, $stored:ty => |$read:ident| $take:expr;)+) => { $(
        impl Columns for $type {
            const WIDTH: usize = 1;

            fn define(name: &str, nullable: bool, out: &mut Vec<String>) {
                let rule = if nullable { "" } else { " NOT NULL" };
                out.push(format!("{name} {}{rule}", $sql));
            }

            fn put(&self, out: &mut Vec<Value>) {
                let $value = self;
                out.push($put);
            }

            fn take(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
                let $read: $stored = cells.cell()?;
                Ok($take)
            }
        }
    )+ };
}

cells! {
    i64 as "INTEGER": |value| Value::Integer(*value), i64 => |stored| stored;
    u64 as "INTEGER": |value| Value::Integer(value.cast_signed()), i64 => |stored| stored.cast_unsigned();
    u32 as "INTEGER": |value| Value::Integer(i64::from(*value)), u32 => |stored| stored;
    u8 as "INTEGER": |value| Value::Integer(i64::from(*value)), u8 => |stored| stored;
    bool as "INTEGER": |value| Value::Integer(i64::from(*value)), bool => |stored| stored;
    String as "TEXT": |value| Value::Text(value.clone()), String => |stored| stored;
}

/// Declares a group of columns: its fields in the order of its columns.
macro_rules! columns {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)+ }

        impl $crate::columns::Columns for $name {
            const WIDTH: usize = 0 $(+ <$type as $crate::columns::Columns>::WIDTH)+;

            fn define(name: &str, nullable: bool, out: &mut Vec<String>) {
                let prefix = if name.is_empty() { String::new() } else { format!("{name}_") };
                $(<$type as $crate::columns::Columns>::define(
                    &format!("{prefix}{}", stringify!($field)), nullable, out,
                );)+
            }

            fn put(&self, out: &mut Vec<rusqlite::types::Value>) {
                $($crate::columns::Columns::put(&self.$field, out);)+
            }

            fn take(cells: &mut $crate::columns::Cells<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($field: $crate::columns::Columns::take(cells)?,)+ })
            }
        }
    };
}
pub(crate) use columns;

/// Has a type lie in one column, packed: of these there are tens of millions, and a column costs a byte even when there is nothing
/// in it.
macro_rules! packed {
    ($name:ty) => {
        impl $crate::columns::Columns for $name {
            const WIDTH: usize = 1;

            fn define(name: &str, _: bool, out: &mut Vec<String>) {
                out.push(format!("{name} BLOB NOT NULL"));
            }

            fn put(&self, out: &mut Vec<rusqlite::types::Value>) {
                let mut packer = $crate::packing::Packer::default();
                $crate::packing::Pack::pack(self, &mut packer);
                out.push(rusqlite::types::Value::Blob(packer.finish()));
            }

            fn take(cells: &mut $crate::columns::Cells<'_>) -> rusqlite::Result<Self> {
                let bytes: Vec<u8> = cells.cell()?;
                let mut packed = $crate::packing::Packed::new(&bytes);
                let whole = <$name as $crate::packing::Pack>::unpack(&mut packed)
                    .and_then(|unpacked| packed.end().map(|()| unpacked));
                whole.map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
                })
            }
        }
    };
}
pub(crate) use packed;
