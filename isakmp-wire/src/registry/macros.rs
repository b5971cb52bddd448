//! The one macro of the crate.

/// Declares a registry: a newtype over an unsigned number with one constant per registered value.
///
/// Gives the constants, `NAMES` (all of them with the standards' names), `name()`, `Display` (the name, or the bare
/// number when it is not registered), `Debug` (both) and conversions from and to the number.
macro_rules! registry {
    ($(#[$about:meta])* pub struct $Name:ident($number:ident) {
        $( $(#[$more:meta])* $CONST:ident = $value:literal $text:literal, )*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(pub $number);

        impl $Name {
            $(
                #[doc = concat!("`", $text, "`, number ", stringify!($value), ".")]
                $(#[$more])*
                pub const $CONST: Self = Self($value);
            )*
            /// Every registered number with its name, in the order of the numbers.
            pub const NAMES: &'static [(Self, &'static str)] = &[$((Self($value), $text)),*];

            /// The standards' name, or `None` for a number that is not registered.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => core::fmt::Display::fmt(&self.0, f),
                }
            }
        }

        impl core::fmt::Debug for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({}", stringify!($Name), self.0)?;
                self.name().map_or(Ok(()), |name| write!(f, " {name}"))?;
                f.write_str(")")
            }
        }

        impl From<$number> for $Name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl From<$Name> for $number {
            fn from(code: $Name) -> Self {
                code.0
            }
        }

        impl crate::registry::Code for $Name {
            const WIDTH: usize = size_of::<$number>();

            fn from_number(number: u32) -> Self {
                // The reader hands over WIDTH octets, so the number always fits.
                Self($number::try_from(number).unwrap_or($number::MAX))
            }
        }
    };
}
