//! An adapter in the making.
