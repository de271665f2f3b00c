# Mistakes in the configuration, and the explanation of every key.

## Mistakes

config-missing = There is no configuration { $file }.
    .fix = Create one, or name another with --config or PAROM_CONFIG.
    .command = parom init
config-unreadable = The configuration { $file } cannot be read: { $detail }.
    .fix = Check the rights on the file, and that it is text in UTF-8.
config-syntax = { $file }, line { $line }: this is not TOML: { $detail }.
    .fix = Check quotes, brackets and the equals sign in this line.
config-unknown-key = { $file }, line { $line }: the key "{ $key }" does not exist in { $section }.
    .fix = The keys there are { $known }.
config-unknown-key-near = { $file }, line { $line }: the key "{ $key }" does not exist in { $section }.
    .fix = Did you mean "{ $near }"?
config-missing-key = { $file }, line { $line }: the key "{ $key }" is missing in { $section }.
    .fix = Add it, for example: { $key } = { $example }
config-wrong-type = { $file }, line { $line }: "{ $key }" in { $section } must be { $wanted }, not { $found }.
config-not-array = { $file }, line { $line }: { $key } is written with double brackets, because there may be several.
    .fix = Write [[{ $key }]].
config-bad-choice = { $file }, line { $line }: "{ $key }" in { $section } must be { $allowed }, not "{ $found }".
config-out-of-range = { $file }, line { $line }: "{ $key }" in { $section } must lie between { $min } and { $max }; { $found } does not.
config-template-near = { $file }, line { $line }: "{ $key }" in { $section } has the unknown variable "{ $variable }".
    .fix = Did you mean "{ $near }"?
config-template-unknown = { $file }, line { $line }: "{ $key }" in { $section } has the unknown variable "{ $variable }".
    .fix = The variables are { $allowed }.
config-template-brace = { $file }, line { $line }: "{ $key }" in { $section } has a brace without its partner: { $found }
    .fix = Close it, or write it twice if the brace itself is meant.
config-login-empty = { $file }, line { $line }: "{ $key }" in { $section } is empty.
    .fix = Write the template of the login, for example "{ "{" }source_login{ "}" }".
config-login-same = { $file }, line { $line }: with this "{ $key }" in { $section } all accounts would open the same mailbox.
    .fix = Put a variable such as {"{"}{ $variable }{"}"} into "login" or "authzid".
config-service-logins-password = { $file }, line { $line }: the service accounts of "{ $key }" in { $section } need a password each.
    .fix = Write password = "secret:{"{"}service_login{"}"}", and seal each one with "parom secret set LOGIN".
config-service-logins-template = { $file }, line { $line }: "{ $key }" in { $section } is not used: neither "login" nor "authzid" has {"{"}service_login{"}"}.
    .fix = Put {"{"}service_login{"}"} where the service account's name belongs.
config-service-login-name = { $file }, line { $line }: "{ $found }" in { $section } cannot be the name of a service account, under which its password is sealed.
    .fix = Use letters, digits and - _ . @ \ /, at most 64 characters.
config-night = { $file }, line { $line }: "{ $found }" in { $section } is no time of the day.
    .fix = Write from when to when, for example night = "22:00-06:00"
config-night-missing = { $file }, line { $line }: "{ $key }" in { $section } never counts, because "night" does not say when it is night.
    .fix = Add, for example, night = "22:00-06:00"
config-service-logins-both = { $file }, line { $line }: both "service_login" and "{ $key }" are in { $section }.
    .fix = Keep one of them: "service_login" for one service account, "{ $key }" for several.
config-service-login-twice = { $file }, line { $line }: the service account { $found } is twice in "{ $key }" in { $section }.
config-password-no-service = { $file }, line { $line }: "{ $key }" in { $section } is that of the service account, and none signs in there.
    .fix = Name it ("service_login" or "service_logins"), and put {"{"}service_login{"}"} into "login" or "authzid".
config-ntlm-left-out = { $file }, line { $line }: "{ $key }" in { $section } is "ntlm", and this program was built without NTLM.
    .fix = Build it with NTLM, or set "sasl" to "auto": over TLS Exchange takes PLAIN as well.
    .command = cargo build --release --package parom-app --features ntlm
config-ntlm-delegate = { $file }, line { $line }: with "{ $key }" = "ntlm" in { $section } a service account cannot open the mailboxes of others.
    .fix = Let everyone sign in with a login and a password of his own and without "authzid", or set "sasl" to "auto".
config-state-form = { $file }, line { $line }: "{ $key }" must be "sqlite:" and a file, not "{ $found }".
config-state-postgres = { $file }, line { $line }: this version keeps its state in SQLite only.
    .fix = Write, for example, state = "sqlite:parom.db"
config-no-domain = { $file }: there is no [[domain]], so there is nothing to carry.
    .fix = Add one with its two sides; "parom init" writes an example into a new file.
config-domain-name = { $file }, line { $line }: "{ $found }" is not the name of a mail domain.
config-domain-twice = { $file }, line { $line }: the domain { $found } is there twice.
config-host = { $file }, line { $line }: "{ $found }" in { $section } is neither a host name nor an address.
    .fix = Write the name alone, without protocol and port.
config-trust = { $file }, line { $line }: "{ $key }" in { $section } names the CA file { $path }, which does not exist.
    .fix = Write "system", "insecure", "pin:" and a SHA-256, or the path of a file that exists.
config-pin = { $file }, line { $line }: "{ $found }" in { $section } is not a SHA-256 of a certificate.
    .fix = Write "pin:" and 64 hexadecimal digits.
    .command = openssl x509 -in certificate.pem -noout -fingerprint -sha256
config-password = { $file }, line { $line }: "{ $key }" in { $section } must be "account" or "secret:" and a name. Passwords do not belong in this file.
    .fix = Seal the password and name it here: { $key } = "secret:service"
    .command = parom secret set service
config-secret-name = { $file }, line { $line }: "{ $found }" in { $section } cannot be the name of a secret.
    .fix = Use letters, digits, "-", "_" and ".", at most 64 of them.
config-url = { $file }, line { $line }: "{ $found }" in { $section } is not a URL.
    .fix = Write the whole one, beginning with https:// and without login and password.
config-url-clear = { $file }, line { $line }: "{ $found }" in { $section } is not protected by TLS, so passwords would travel in the clear.
    .fix = Write https://, or, if you accept that, add tls = "none".
config-ews-ntlm-left-out = { $file }, line { $line }: "{ $key }" in { $section } is "ntlm", and this program was built without NTLM.
    .fix = Build it with NTLM, or set "auth" to "auto" or "basic".
    .command = cargo build --release --package parom-app --features ntlm
config-ews-ntlm-login = { $file }, line { $line }: with "{ $key }" = "ntlm" in { $section } the login names one account, as DOMAIN\name or name@domain.
    .fix = Set "login" so, and "act_for" to whose calendar is opened.
config-calendars-unreached = { $file }, line { $line }: "{ $key }" in { $section } is "{ $found }", but calendars can only be carried where both servers are known.
    .fix = Add [domain.source.ews] and [domain.target.caldav], or set "mode" to "off".
config-write-back-address = { $file }, line { $line }: "{ $found }" in "{ $key }" in { $section } is not a mail address.
    .fix = Write whole addresses, such as "name@corp.example".
config-write-back-unused = { $file }, line { $line }: "{ $key }" in { $section } never counts, because "write_back" is "all".
    .fix = Set write_back = "black" (everyone but these) or "white" (nobody but these), or remove the list.
config-several-category = { $file }, line { $line }: "{ $key }" in { $section } does not tell the calendars apart.
    .fix = Put the variable into it: several_category = "Calendar: {"{"}name{"}"}".
config-act-for-same = { $file }, line { $line }: with this "{ $key }" in { $section } all accounts would open the same mailbox.
    .fix = Put a variable into it, for example act_for = "{"{"}address{"}"}".
config-home-same = { $file }, line { $line }: with this "{ $key }" in { $section } all accounts would open the same calendars.
    .fix = Put a variable such as {"{"}target_login{"}"} into "login", or say in "home" where the calendars of each are.
config-service-login-none = { $file }, line { $line }: "login" in { $section } has {"{"}service_login{"}"}, and "{ $key }" does not say what it stands for.
    .fix = Name the service account, for example service_login = "svc@corp.example"
config-service-login-unused = { $file }, line { $line }: "{ $key }" in { $section } is not used: there is no {"{"}service_login{"}"} in "login".
    .fix = Put {"{"}service_login{"}"} into "login", or remove "{ $key }".

config-section-root = the top of the file
config-type-text = a text in quotes
config-type-whole = a whole number
config-type-float = a fraction
config-type-boolean = true or false
config-type-date = a date
config-type-list = a list in brackets
config-type-table = a table

## The file that "parom init" writes

init-head =
    The configuration of Parom. Every key is explained above it; a key that is commented out shows what
    counts without it. Paths count from the folder of this file. Unknown keys are refused.
init-limits = How much happens at once, and when a brake holds.
init-domain = One mail domain. Repeat the block for every further one.
init-source = The source: the old system.
init-target = The target: the new system. The same keys as under domain.source.imap.
init-calendars = Calendars: from Exchange by EWS to the target by CalDAV. Both servers are named further below.
init-ews =
    Where the source's calendars are. To carry calendars, take the # away from the header in brackets, from "url", "login" and
    whatever else differs. For a service account that has ApplicationImpersonation: login = "{"{"}service_login{"}"}",
    its name as "service_login", and password = "secret:{"{"}service_login{"}"}".
init-caldav = Where the target's calendars are. Take the # away as above.
init-sieve = Where the target keeps Sieve scripts: automatic replies become one ("parom oof copy"). Take the # away as above.

## The keys

doc-root-state =
    Where Parom keeps what it knows: an SQLite file.
    If it is lost, nothing is copied twice and nothing is deleted.
doc-root-master_key =
    The file with the key that opens the sealed passwords. Keep a copy in a safe place.
    Without this key of the configuration: beside the state, with the ending ".key".
doc-root-allow_hosts =
    The hosts that Parom may connect to; everything else is refused.
    Without this key: exactly the hosts that are configured below.
doc-limits-accounts_at_once = How many accounts are worked on at the same time.
doc-limits-connections_per_account = How many connections one account may hold to each side.
doc-limits-body_budget_mb = How many megabytes of messages may be in memory at once, for all accounts together.
doc-limits-brake_deletions =
    The volume brake: more irreversible deletions per account and day than this number, and more than
    brake_percent of the messages, are held until you release them ("parom brakes").
doc-limits-brake_percent = See brake_deletions.
doc-limits-look_every_s = With "parom sync --watch": after how many seconds an account is looked at again.
doc-domain-name = The part of the addresses behind the @.
doc-domain-mode =
    "two-way": what happens on one side happens on the other.
    "to-target": only from the source to the target; nothing is changed on the source.
doc-domain-home = The side where people work now. Where both sides moved the same message differently, home wins.
doc-domain-deletions =
    What becomes of the copy of a deleted message: "trash" puts it into the trash there (where there is
    none, it is removed), "expunge" removes it, "never" leaves it.
doc-domain-grace_s =
    How many seconds must lie between two complete listings without a message before it counts as deleted
    (unless the server itself says that it is).
doc-domain-exclude_folders =
    Folders that are not carried: roles (inbox, sent, drafts, trash, junk, archive, outbox, contacts,
    calendar, tasks, journal, notes, sync-issues, rss) or names.
doc-imap-host = The name or address of the IMAP server.
doc-imap-port = Without this key: 993 for "implicit", else 143.
doc-imap-tls =
    "implicit": TLS from the first byte; "starttls": TLS after a command;
    "none": unencrypted, passwords too; for loopback only.
doc-imap-tls_policy =
    "modern": TLS 1.2 or newer, good ciphers. For old servers (Exchange 2010 and 2013) only, and never chosen by itself:
    "legacy" (TLS 1.0 or newer, any cipher), "legacy-1.1", "legacy-1.2" (TLS 1.2 with old ciphers). Each use is warned of.
doc-imap-trust =
    Which certificate is believed: "system", the path of a CA file, "pin:<SHA-256 of the certificate>",
    or "insecure": any at all, which everyone on the way can misuse.
doc-imap-login =
    The template of the login. Variables: {"{"}source_login{"}"}, {"{"}target_login{"}"}, {"{"}service_login{"}"}, {"{"}address{"}"},
    {"{"}local{"}"}, {"{"}domain{"}"}.
    With a service account, for example, "CORP/svc/{"{"}source_login{"}"}" or "{"{"}target_login{"}"}*svc".
doc-imap-service_login =
    What {"{"}service_login{"}"} stands for: the service account, in the form that the server takes. An account whose row in
    "parom import" has a collector_username uses that one, with its collector_password.
doc-imap-service_logins =
    Several service accounts that share the work: {"{"}service_login{"}"} stands for one of them. One that is refused or throttled is left
    alone for a while, and the next takes its mailboxes. Each has its own password: password = "secret:{"{"}service_login{"}"}".
doc-imap-authzid =
    The template of the SASL authorization identity (whose mailbox is meant), for a service account
    that signs in by PLAIN. Empty: none.
doc-imap-sasl =
    How to sign in: "auto" (PLAIN or LOGIN, and NTLM where the server offers neither), "plain", "login", "xoauth2"
    (the password is then the access token) or "ntlm" (tied to the TLS connection; opens only the own mailbox of
    the one who signs in, so that a service account is of no use).
doc-imap-password =
    "account": every account has its own, given by "parom account add".
    "secret:name": one for all, sealed by "parom secret set name". Never the password itself.
    "secret:{"{"}service_login{"}"}": that of the service account, sealed under its login.
doc-imap-max_connections = How many connections to this server there may be at once, for all accounts together.
doc-imap-max_connections_per_service_login =
    How many of them one service account may have. Without this key: all. When the server says that it is too much, Parom
    halves them, and adds one after each round that went well; "parom status" shows it.
doc-imap-max_connections_per_database =
    How many connections there may be to the mailboxes of one database ("parom account set --database"). Without this key: all.
doc-imap-bandwidth_kib_s =
    How many KiB a second all connections to this server may carry together, both ways. 0: no limit.
doc-imap-night =
    When it is night, by the clock of this machine: "22:00-06:00". Then the next two keys count. "": never.
doc-imap-night_max_connections = The connections to this server by night. Without this key: as by day.
doc-imap-night_bandwidth_kib_s = The bandwidth by night; 0: no limit. Without this key: as by day.
doc-imap-connect_timeout_s = How many seconds connecting may take.
doc-imap-answer_timeout_s = After how many seconds without any progress a command has failed.
doc-imap-read_receipts =
    Exchange sends a receipt to whoever asked for one when unread mail is marked as read or deleted over IMAP, also by
    Parom. "held": such mail waits, and Parom tells of it. "suppressed": you have stopped the receipts, for every mailbox:
    Set-CASMailbox user -ImapUseProtocolDefaults $false -ImapSuppressReadReceipt $true
    Other servers send none, and are not concerned.
doc-imap-keeps_bytes =
    Whether a message has the very bytes and the size on this server that it came with. "auto": Dovecot and Cyrus do, and of others
    it is not taken for granted: there messages are told apart by headers and by what they say. "no" for Dovecot with mbox.
doc-imap-extensions =
    IMAP extensions: "auto" (as measured to be best, docs/extensions.md), "on" (whenever the server offers it) or "off".
    For example {"{"} compress = "on", qresync = "off" {"}"}.
    compress is "off" unless you say "on", because Parom cannot tell a slow line from a slow server. Say "on" where the
    line to the server carries 100 Mbit/s or less: a first copy then takes half of the time for text and three quarters of
    it for attachments. At 400 Mbit/s it takes half as long again, and near by nearly four times as long.
    Names: { $names }.
doc-imap-quirks =
    What Parom takes for granted about this server, where you know better. For example {"{"} index_lag_s = 60 {"}"}: for so many
    seconds a listing may lack a message that is there, and nothing is believed deleted sooner (Exchange 30, others 0).
    recovery_grace_s: how long the server may still store what it had received when a connection broke (Exchange 30, others 2).
    depth: commands under way at once; fetch_items: messages in one FETCH; batch_items, batch_kb: the most in one APPEND.
    Names: { $names }.
doc-calendars-mode =
    What happens to the calendars of an account for which nothing else was said ("parom calendar"): "off": nothing;
    "sync": from the source to the target, as often as "parom calendar sync --all" runs; "subscribe": both ways.
doc-calendars-write_back =
    Whose changes on the target may be written back to Exchange, for accounts that are subscribed: "all": everyone's;
    "black": everyone's but those in write_back_list; "white": only those in write_back_list.
doc-calendars-write_back_list = Addresses for write_back, for example ["name@corp.example"]. Upper and lower case are the same.
doc-calendars-several =
    What becomes of a person's further calendars where the target has none of their name and lets nobody make one:
    "park": their events wait, each told with its reason; "first-with-category": they go into the first calendar, with a
    category that names where they belong. On Exchange they stay in their own calendar, without that category.
doc-calendars-several_category = The category of "first-with-category". {"{"}name{"}"} stands for the calendar's name.
doc-ews-url = The URL of Exchange Web Services, usually https://HOST/EWS/Exchange.asmx. "autodiscover": each mailbox's is asked for at autodiscover.DOMAIN and DOMAIN; "autodiscover:https://HOST": at this host. Hosts that Autodiscover names must be in allow_hosts.
doc-ews-tls = "required", or "none" where a URL with http:// is meant: passwords then travel in the clear. Not needed for this machine itself.
doc-ews-tls_policy = As for IMAP: "modern", or "legacy", "legacy-1.1", "legacy-1.2" for old servers.
doc-ews-trust = As for IMAP: "system", the path of a CA file, "pin:<SHA-256 of the certificate>", or "insecure".
doc-ews-login =
    The template of the login. Variables: {"{"}source_login{"}"}, {"{"}target_login{"}"}, {"{"}service_login{"}"}, {"{"}address{"}"},
    {"{"}local{"}"}, {"{"}domain{"}"}.
doc-ews-service_login =
    What {"{"}service_login{"}"} stands for: the service account, in the form that Exchange takes. An account whose row in
    "parom import" has a collector_username uses that one, with its collector_password.
doc-ews-auth =
    How to sign in: "auto" (Basic, and NTLM where the server does not offer it or there is no TLS), "basic", "ntlm" (tied to
    the TLS connection) or "oauth2" (the password is then the access token). What was refused is not tried in another way.
doc-ews-act_for =
    The template of the address whose mailbox is opened by ApplicationImpersonation. "": that of the login itself, for
    people who sign in with a password of their own. Without this key: "{"{"}address{"}"}" for a service account, else "".
doc-ews-password =
    "account": every account has its own, the one that "parom account add" was given for the source.
    "secret:name": one for all, sealed by "parom secret set name".
    "secret:{"{"}service_login{"}"}": that of the service account, sealed under its login.
doc-ews-max_connections = How many connections to this server there may be at once, for all accounts together.
doc-ews-streams =
    With --watch: how many streams of notifications one login may have open (HangingConnectionLimit in its throttling
    policy); each tells of up to 200 mailboxes. Further mailboxes are asked for one after the other. Without this key: 3, and
    10 from Exchange 2016 on, as these servers come. 0: no streams.
doc-ews-connect_timeout_s = How many seconds connecting may take.
doc-ews-answer_timeout_s = After how many seconds without an answer a request has failed.
doc-caldav-url =
    The server, or a principal on it: https://calendar.new.example/. The way to each account's calendars is asked for, also
    at /.well-known/caldav.
doc-caldav-tls = "required", or "none" where a URL with http:// is meant: passwords then travel in the clear. Not needed for this machine itself.
doc-caldav-tls_policy = As for IMAP: "modern", or "legacy", "legacy-1.1", "legacy-1.2" for old servers.
doc-caldav-trust = As for IMAP: "system", the path of a CA file, "pin:<SHA-256 of the certificate>", or "insecure".
doc-caldav-login =
    The template of the login, with the same variables as under domain.source.ews.
doc-caldav-service_login = What {"{"}service_login{"}"} stands for: the service account, in the form that the server takes.
doc-caldav-home =
    Where an account's calendars are, if the server does not tell: a path or a URL, for example
    "/calendars/{"{"}target_login{"}"}/". Needed where a service account opens the calendars of others. The variables are the same.
doc-caldav-password =
    "account": every account has its own, the one that "parom account add" was given for the target.
    "secret:name": one for all, sealed by "parom secret set name".
    "secret:{"{"}service_login{"}"}": that of the service account, sealed under its login.
doc-caldav-max_connections = How many connections to this server there may be at once, for all accounts together.
doc-caldav-glance_every_s =
    With --watch: after how many seconds the server is asked whether anything has changed in an account's calendars, as it
    tells nothing by itself. Where nothing happens it is asked less and less often, down to every 20 times as many.
doc-caldav-connect_timeout_s = How many seconds connecting may take.
doc-caldav-answer_timeout_s = After how many seconds without an answer a request has failed.
doc-caldav-product =
    Which product it is, and so how it wants to be treated: "auto" (known by its signs) or one of the names.
doc-caldav-notifications =
    Whether the server mails people about events. "auto": as it is known for. "off": it is set to mail nobody (on SOGo:
    SOGoAppointmentSendEMailNotifications = NO), so answers and deletions of invited people are carried there too.
    Never say so of a server that does mail: organizers would get answers that nobody has sent.
doc-sieve-host = The name or address of the ManageSieve server, often that of the IMAP server.
doc-sieve-port = Nearly everywhere 4190.
doc-sieve-tls =
    "starttls": TLS after a command, as ManageSieve has it; "implicit": TLS from the first byte;
    "none": unencrypted, passwords too; for loopback only.
doc-sieve-tls_policy = As for IMAP: "modern", or "legacy", "legacy-1.1", "legacy-1.2" for old servers.
doc-sieve-trust = As for IMAP: "system", the path of a CA file, "pin:<SHA-256 of the certificate>", or "insecure".
doc-sieve-login =
    The template of the login, with the same variables as for IMAP; "{"{"}target_login{"}"}*svc" opens everybody's scripts for a
    master user of Dovecot. It signs in by SASL PLAIN.
doc-sieve-service_login = What {"{"}service_login{"}"} stands for: the service account, in the form that the server takes.
doc-sieve-authzid =
    The template of the SASL authorization identity (whose scripts are meant), for a service account. Empty: none.
doc-sieve-password =
    "account": every account has its own, the one that "parom account add" was given for the target.
    "secret:name": one for all, sealed by "parom secret set name".
    "secret:{"{"}service_login{"}"}": that of the service account, sealed under its login.
doc-sieve-max_connections = How many connections to this server there may be at once, for all accounts together.
doc-sieve-connect_timeout_s = How many seconds connecting may take.
doc-sieve-answer_timeout_s = After how many seconds without an answer a command has failed.
doc-sieve-internal_domains =
    Domains of the organisation that are not carried. Senders of these and of all carried domains get the internal reply.
doc-sieve-known_senders =
    Exchange can answer outside senders only if they are in somebody's contacts, and Sieve does not know contacts. Who of them
    gets the external reply in that case: "nobody" or "everybody".
