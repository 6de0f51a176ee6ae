//! What every name that is a checked text has besides its own `parse`.

/// Gives `$name`, a tuple struct of one `String` with a `parse` that fails with `$invalid`: `as_str`, `Display`, `FromStr`, and
/// the conversions serde works by (`#[serde(try_from = "String", into = "String")]`), so that none is read unchecked.
#[macro_export]
macro_rules! text_name {
    ($name:ident, $invalid:ident) => {
        impl $name {
            /// It as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $invalid;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $invalid;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}
