//! A plain IMAP server, the fault proxy, the memory endpoint and sample mail.
