//! How enums are stored: a macro that gives each variant a code for ever, and what reads codes back. The table of codes is
//! `codes`.

/// Gives enums their stored form: the variant's code in a byte, then its fields in the order in which they stand here.
///
/// ```text
/// Name { Variant = 0, Variant(field) = 1, Variant { field, field } = 2, retired Variant = 3 }
/// ```
///
/// Two variants with one code do not compile. A code of no variant, and a retired one, are errors when they are read.
#[macro_export]
macro_rules! stored_codes {
    ($($name:ident {
        $($variant:ident $(($($part:ident),+))? $({ $($field:ident),+ })? = $code:literal),+
        $(; retired $($gone:ident = $gone_code:literal),+)?
        $(,)?
    })+) => { $(
        impl $name {
            /// Code and name of each variant.
            #[doc(hidden)]
            #[allow(dead_code, reason = "what is private has nobody who lists its codes")]
            pub const STORED_CODES: &'static [(u8, &'static str)] =
                &[$(($code, stringify!($variant))),+];
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeTuple;
                match self {
                    $(Self::$variant $(($($part),+))? $({ $($field),+ })? => {
                        let fields = 1 $($( + { let _ = $part; 1 })+)? $($( + { let _ = $field; 1 })+)?;
                        let mut tuple = serializer.serialize_tuple(fields)?;
                        let code: u8 = $code;
                        tuple.serialize_element(&code)?;
                        $($(tuple.serialize_element($part)?;)+)?
                        $($(tuple.serialize_element($field)?;)+)?
                        tuple.end()
                    })+
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> ::serde::de::Visitor<'de> for Visitor {
                    type Value = $name;

                    fn expecting(&self, to: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        to.write_str(concat!("a stored ", stringify!($name)))
                    }

                    #[deny(unreachable_patterns)]
                    fn visit_seq<A: ::serde::de::SeqAccess<'de>>(self, mut parts: A) -> Result<$name, A::Error> {
                        let code: u8 = $crate::next_part(&mut parts)?;
                        match code {
                            $($code => {
                                $($(let $part = $crate::next_part(&mut parts)?;)+)?
                                $($(let $field = $crate::next_part(&mut parts)?;)+)?
                                Ok($name::$variant $(($($part),+))? $({ $($field),+ })?)
                            })+
                            $($($gone_code => Err(::serde::de::Error::custom(concat!(
                                stringify!($name), "::", stringify!($gone), " is not written any more"
                            ))),)+)?
                            other => Err(::serde::de::Error::custom(format_args!(
                                concat!("code {} is of no ", stringify!($name)), other
                            ))),
                        }
                    }
                }
                // More than any variant has fields: each asks for as many as it has.
                deserializer.deserialize_tuple($crate::PARTS_MAX, Visitor)
            }
        }
    )+ };
}

/// A variant's code and fields are fewer than this.
#[doc(hidden)]
pub const PARTS_MAX: usize = 16;

/// The next part of a stored variant.
#[doc(hidden)]
pub fn next_part<'de, A: serde::de::SeqAccess<'de>, T: serde::Deserialize<'de>>(
    parts: &mut A,
) -> Result<T, A::Error> {
    parts.next_element()?.ok_or_else(|| serde::de::Error::custom("a stored variant ends too soon"))
}

/// The variant of a code, of an enum whose variants have no fields; `None` when the code is of none.
pub(crate) fn of_code<T: serde::de::DeserializeOwned>(code: u8) -> Option<T> {
    postcard::from_bytes(&[code]).ok()
}
