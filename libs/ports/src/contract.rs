//! One suite per port: what every adapter must hold. Each function panics with a sentence where an
//! adapter does not. Adapters call them from their own tests, on an empty instance.

pub mod log;
