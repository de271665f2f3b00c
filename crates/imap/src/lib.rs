//! The IMAP client and its endpoint for the engine.
