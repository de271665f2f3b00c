//! Dialer with the allow list of hosts, TLS policies, trust, SASL.
