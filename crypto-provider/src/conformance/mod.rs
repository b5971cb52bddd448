//! Known answers and behaviours that the author of a provider runs against it.
