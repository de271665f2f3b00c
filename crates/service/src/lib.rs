//! Many accounts: scheduler, permits, breakers, verification.
