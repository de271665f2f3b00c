# What went wrong, one message for each code of the domain: the sentence, the cause, what to do, the command.

label-why = Cause:
label-fix = What to do:
label-command = Command:

## Connecting and signing in

error-host-not-found = The server { $host } cannot be found: its name has no address.
    .why = The name is mistyped, or this machine's DNS does not know it.
    .fix = Check "host" in the configuration and the DNS of this machine.
    .command = getent hosts { $host }
error-cannot-connect = Cannot connect to { $host }, port { $port }: { $detail }.
    .why = The server is down, a firewall is in between, or the port is wrong.
    .fix = Check "host" and "port" in the configuration, and that this machine may reach them.
    .command = openssl s_client -connect { $host }:{ $port }
error-host-not-allowed = Connecting to { $host } is not allowed.
    .why = "allow_hosts" in the configuration does not name this host.
    .fix = If the host is right, add it to "allow_hosts"; without that key exactly the configured hosts are allowed.
    .command = parom sync --all
error-no-tls = { $host }, port { $port }, offers no encryption.
    .why = The server does not offer STARTTLS, or the port does not speak TLS.
    .fix = Set "tls" to "implicit" with port 993 or "starttls" with port 143; "none" sends passwords in the clear.
    .command = openssl s_client -connect { $host }:{ $port } -starttls imap
error-tls-failed = The encrypted connection to { $host }, port { $port }, failed: { $detail }.
    .why = The two ends agree on no version or cipher, or the port speaks something else than TLS.
    .fix = Check "port" and "tls"; for an old Exchange set "tls_policy" to "legacy".
    .command = openssl s_client -connect { $host }:{ $port }
error-certificate-refused = The certificate of { $host }, port { $port }, is not trusted: { $detail }.
    .why = It has expired, is made out to another name, or its issuer is unknown here.
    .fix = Renew the certificate, or set "trust" to the issuer's CA file or to "pin:" and the certificate's SHA-256.
    .command = openssl s_client -connect { $host }:{ $port } -showcerts
error-sign-in-held = Not signing in to { $host } as { $login }: the server refused this password { $since_ms } ago ({ $answer }).
    .why = Servers lock accounts after a few refusals, so the same password is tried once in an hour.
    .fix = Set the right password. If something was mended on the server, switch the account on again, and the password is tried at once.
    .command = { $credential ->
        [secret] parom secret set { $name }
       *[account] parom account on { $account }
    }
error-sign-in-refused = Cannot sign in to { $host } as { $login }: the server refused it ({ $answer }).
    .why = { $service ->
        [ews] The password or token is wrong or has expired, the login has another form, or the server wants another way to sign in. It was tried once; Parom does not try it again within the hour, so that the server does not lock the account.
        [caldav] The password is wrong, or the login has another form. It was tried once; Parom does not try it again within the hour, so that the server does not lock the account.
       *[imap] The password is wrong, the login has another form, or IMAP is switched off for this mailbox. It was tried once; "parom sync" does not try it again within the hour, so that the server does not lock the account.
    }
    .fix = { $service ->
        [ews] Set the password (or the token) anew, and check "login" and "auth" in [domain.source.ews].
        [caldav] Set the password anew, and check "login" in [domain.target.caldav].
       *[imap] Set the password anew, and check "login" in the configuration.
    }
    .command = { $credential ->
        [secret] parom secret set { $name }
       *[account] parom account add { $account } --source-password-file FILE --target-password-file FILE
    }
error-no-mechanism = { $host } offers no way to sign in that fits ({ $mechanism }).
    .why = { $service ->
        [ews] The server offers other ways to sign in to Exchange Web Services, Kerberos or tokens for example.
       *[imap] The server allows sign-in only with other SASL mechanisms, or only over TLS.
    }
    .fix = { $service ->
        [ews] Switch Basic or NTLM on for the EWS directory on Exchange, or set "auth" to "oauth2" with a token as the password.
       *[imap] Set "sasl" to a mechanism that the server offers, and "tls" to "implicit" or "starttls".
    }
    .command = { $service ->
        [ews] Get-WebServicesVirtualDirectory | fl Server, *Authentication*
       *[imap] openssl s_client -connect { $host }:993
    }
error-ntlm-left-out = { $host } takes no sign-in but NTLM, and this program was built without it.
    .why = Every other way to sign in is switched off on the server, or allowed over TLS only.
    .fix = { $service ->
        [ews] Build the program with NTLM, or let the Exchange admin switch Basic on for the EWS directory.
       *[imap] Set "tls" to "implicit" or "starttls"; if that does not help, build the program with NTLM.
    }
    .command = cargo build --release --package parom-app --features ntlm
error-ntlm-own-mailbox = Cannot sign in to { $host } as { $login } by NTLM: it opens only the own mailbox of the one who signs in.
    .why = { $service ->
        [ews] The login names a mailbox beside the one who signs in. Whose calendar is meant is said by "act_for" here.
       *[imap] The login names a mailbox beside the one who signs in. Forms like DOMAIN/service/alias exist for LOGIN and PLAIN only.
    }
    .fix = { $service ->
        [ews] Set "login" in [domain.source.ews] to DOMAIN\name or to an address.
       *[imap] Set "sasl" to "auto", or let everyone sign in with a login and a password of his own.
    }
    .command = { $service ->
        [ews] parom calendar status { $account }
       *[imap] parom login find { $account } --service-account NAME
    }
error-same-mailbox = Source and target of { $account } are one mailbox: { $login } at { $host }. Nothing was done.
    .why = Kept in step with itself, a mailbox would get every message twice.
    .fix = Set "host", "port" or "login" of one side right.
    .command = parom account list
error-mailbox-shared = { $account } opens the same mailbox as { $other }: { $login } at { $host }. Nothing was done for { $account }.
    .why = Two accounts with one mailbox would carry each other's mail into it again and again.
    .fix = Remove one of the two, or add it with its own logins.
    .command = parom account list
error-other-mailbox = The login of this account opens another mailbox on the { $side } side than before. Nothing was changed.
    .why = The login was reassigned, or the mailbox was replaced.
    .fix = Check the login of the account. If the new mailbox is right, release the brake.
    .command = parom brakes release { $account }
error-connection-lost = The connection to { $host } was lost: { $detail }.
    .why = The server or the network closed it.
    .fix = Nothing: the next pass goes on where this one stopped. If it happens often, look at the server's log.
    .command = { $service ->
        [caldav] parom calendar sync { $account }
        [calendars] parom calendar sync { $account }
       *[other] parom sync --account { $account }
    }
error-timed-out = { $host } did not answer { $command } within { $seconds }.
    .why = The server is overloaded, or the network loses packets.
    .fix = Nothing: the next pass tries again. If the server is slow by nature, raise "answer_timeout_s".
    .command = { $service ->
        [caldav] parom calendar sync { $account }
        [calendars] parom calendar sync { $account }
       *[other] parom sync --account { $account }
    }
error-protocol-error = { $host } does not speak IMAP as it should: { $detail }.
    .why = The port belongs to another service, something in between alters the traffic, or the server has a defect.
    .fix = Check "host", "port" and "tls". Else switch off an extension under "extensions" and report the server's version.
    .command = openssl s_client -connect { $host }:993
error-throttled = { $host } asks to wait { $backoff_ms }.
    .why = The server limits how much one client may do.
    .fix = Nothing: Parom waits. To be gentler, lower "max_connections".
    .command = parom status
error-server-unavailable = { $host } is not available now: { $answer }.
    .why = The server says so itself; it may be in maintenance or short of resources.
    .fix = Nothing: Parom tries again. If it lasts, look at the server's log.
    .command = parom status

## Folders

error-folder-cannot-open = The folder "{ $folder }" at { $host } cannot be opened: { $answer }.
    .why = The account may not read it, or it is damaged on the server. Nothing in it was changed on either side.
    .fix = Repair the folder or its rights on the server, or name it in "exclude_folders".
    .command = parom sync --account { $account }
error-folder-gone = The folder "{ $folder }" at { $host } vanished while it was being worked on.
    .why = Somebody renamed or deleted it at this moment.
    .fix = Nothing: the next pass sees where it went.
    .command = parom sync --account { $account }
error-uidvalidity-changed = The folder "{ $folder }" at { $host } was numbered anew by the server (UIDVALIDITY changed).
    .why = The server rebuilt the folder, or it was restored from a backup.
    .fix = Nothing: the next pass pairs all messages again by their content. Nothing is deleted meanwhile.
    .command = parom sync --account { $account }
error-folder-refused = { $host } ({ $side }) refused to { $change ->
        [create] create
        [rename] rename
        [set-aside] rename (before deleting it)
        [give-back] give its name back to
        [delete] delete
        [subscribe] subscribe to
        [unsubscribe] unsubscribe from
       *[other] change
    } the folder "{ $folder }": { $answer }.
    .why = The server's answer says why. Usual reasons: the name is not allowed there, the folder above it takes no folders, a right is lacking, or the number of folders is limited.
    .fix = Remove the cause on that server. A name or a place that it does not take has to be changed on the other side, or the folder named in "exclude_folders". Until then Parom asks again in each pass, and everything else goes on.
    .command = parom sync --account { $account }
error-folder-refused-without-side = { $host } refused a change of the folder "{ $folder }": { $answer }.
    .why = The server's answer says why. Usual reasons: the name is not allowed there, the folder above it takes no folders, a right is lacking, or the number of folders is limited.
    .fix = Remove the cause on that server. A name or a place that it does not take has to be changed on the other side, or the folder named in "exclude_folders".
    .command = parom sync --account { $account }
error-folder-refused-without-host = The server ({ $side }) says that it has made the folder "{ $folder }", and does not list it.
    .why = It writes the name otherwise, and there is a folder of another name now; or it hides the folder from this account. Nothing was carried into it.
    .fix = Rename the folder on the other side, or name it in "exclude_folders"; then delete what the server has made of the name.
    .command = parom sync --account { $account }
error-listing-incomplete = The list of messages in "{ $folder }" at { $host } is incomplete: { $listed } listed, { $exists } announced. It was not believed.
    .why = The server left messages out; taking them for deleted would lose mail.
    .fix = Nothing: the next pass lists again. If it lasts, repair the folder's index on the server.
    .command = parom sync --account { $account }
error-listing-incomplete-with-side = In "{ $folder }" the server ({ $side }) does not show mail yet that it has taken.
    .why = The server does not say which numbers new mail has got, and its list of messages is behind; or somebody has moved or deleted that mail at this moment.
    .fix = Nothing: the next pass looks for it again, and sends nothing a second time before. If it lasts, repair the folder's index on the server.
    .command = parom sync --account { $account }
error-hidden-folder-unreached = The folder "{ $folder }" is not shown by IMAP, and EWS at { $host } does not give it: { $answer }.
    .why = Exchange hides folders with a "/" in their name, and all below them, from IMAP; they are carried over EWS. Nothing in it was changed on either side, and all other mail goes on.
    .fix = See that EWS answers for this account ([domain.source.ews] in the configuration), or rename the folder without "/".
    .command = parom sync --account { $account }
error-hidden-folder-unnumbered = The folder "{ $folder }" is not carried: IMAP does not show it, and EWS at { $host } gives no number of their own to { $count } of its { $total ->
        [one] { $total } message
       *[other] { $total } messages
    }.
    .why = Without the numbers that IMAP would have (PidTagInternetArticleNumber) messages cannot be told apart from one pass to the next.
    .fix = Rename the folder without "/", and IMAP shows it; or move the messages within Outlook to another folder and back.
    .command = parom sync --account { $account }

## Messages

error-message-refused = { $host } refused message { $uid } for "{ $folder }": { $answer }.
    .why = The server does not take this message as it is, and Parom never alters messages. It is parked.
    .fix = Change the server's rule (filter, size, format), then have it tried again.
    .command = parom parked --retry
error-message-too-large = Message { $uid } of "{ $folder }" is too large for { $host }: { $bytes }, at most { $limit } are taken.
    .why = The server limits the size of messages. The message is parked.
    .fix = Raise the limit on the server (for example message_size_limit, APPENDLIMIT), then have it tried again.
    .command = parom parked --retry
error-message-substituted = Message { $uid } of "{ $folder }" was not carried: Exchange gave another text in its place.
    .why = Exchange cannot convert the message to MIME; meeting cancellations and damaged items are the usual ones.
    .fix = Configure [domain.source.ews]: what IMAP cannot convert then comes over EWS. If it does not, open it in Outlook; once it is mended there, have it tried again.
    .command = parom parked --retry
error-message-unreadable = Message { $uid } of "{ $folder }" cannot be read from { $host }: { $answer }.
    .why = It is damaged on the server. The message is parked; everything else goes on.
    .fix = Repair the mailbox on the server, then have it tried again.
    .command = parom parked --retry
error-message-unreadable-without-uid = { $host } tells nothing about messages of "{ $folder }": { $answer }.
    .why = The server refused to answer. Nothing is parked, and nothing of these messages was changed; everything else goes on.
    .fix = Nothing: the next pass asks again. If it lasts, repair the folder on the server.
    .command = parom sync --account { $account }
error-quota-full = At { $host } there is no room for all that should go into "{ $folder }" ({ $answer }).
    .why = The quota of the account, or of this folder, is used up, or a message is larger than what is left of it.
    .fix = Raise the quota, or have something deleted. What waits is carried by the next pass; deletions, flags and what fits go on meanwhile.
    .command = parom sync --account { $account }
error-quota-full-with-what = At { $host } there is no room for all that should go into the calendar "{ $what }" ({ $answer }).
    .why = The quota of the account is used up, or an event is larger than what is left of it.
    .fix = Raise the quota, or have something deleted. What waits is carried by the next pass.
    .command = parom calendar sync { $account }
error-change-refused = { $host } refused a change in "{ $folder }": { $answer }.
    .why = The account's rights on the folder do not suffice, or the server cannot keep this flag.
    .fix = Check the rights on the folder.
    .command = parom sync --account { $account }
error-move-refused = { $host } does not let Parom move mail from "{ $folder }" to "{ $to }": { $answer }.
    .why = The account's rights do not suffice: moving takes the rights to delete and to expunge in the first folder, and to insert in the second.
    .fix = Give the account these rights. Nothing is lost: on this side the mail stays where it is, and it is moved by the next pass.
    .command = parom sync --account { $account }
error-marks-withheld = In "{ $folder }" on the { $side } the server does not let Parom change { $what }.
    .why = The account's rights on the folder do not suffice, or the folder is read-only at present.
    .fix = Nothing is lost: the other side keeps its flags, and they are carried once the folder takes them. Give the account the rights to write flags there.
    .command = parom sync --account { $account }
error-deletion-withheld = In "{ $folder }" on the { $side } the server does not let Parom delete: { $count ->
        [one] { $count } message stays.
       *[other] { $count } messages stay.
    }
    .why = The account's rights on the folder do not include deleting, and the server does nothing without saying so.
    .fix = Give the account the rights to delete and to expunge in this folder; the deletion is done then.
    .command = parom sync --account { $account }
error-others-marked-deleted = In "{ $folder }" at { $host } nothing is deleted: messages that another program marked as deleted wait there.
    .why = The server has no UIDPLUS. A deletion would remove those messages too.
    .fix = Have the person purge or restore the messages marked as deleted in their mail client; the deletion is done then.
    .command = parom sync --account { $account }

answer-breaks = reading it breaks the connection

## State

error-event-changed = The event { $event } in "{ $what }" at { $host } was changed by somebody while it was being written.
    .why = Somebody works in the calendar at the same time.
    .fix = Nothing is to be done: the next pass merges both versions.
    .command = parom calendar status
error-event-exists = The event { $event } is not made in the calendar "{ $what }" at { $host }: one with its UID is there already.
    .why = The event came there another way, for example with an invitation.
    .fix = Nothing is to be done: the next pass pairs the two.
    .command = parom calendar status
error-event-unfit = { $kind ->
        [faulty] The event { $event } in "{ $what }" at { $host } cannot be carried: { $detail }.
        [beyond] The event { $event } in "{ $what }" at { $host } cannot be carried as it is: { $detail }.
       *[refused] The event { $event } in "{ $what }" cannot be carried to { $host } as it is: { $detail }.
    }
    .why = { $kind ->
        [faulty] The event is faulty in itself: the program that made it stored it so.
        [answers] It is an invitation, and this server mails the organizer whatever its owner answers or deletes. Parom mails nobody.
        [organizer] The server keeps a copy of a meeting only where its organizer, who has an account there too, has the meeting.
        [behind] Newer versions of Windows have this time zone; the server's lacks the update that brought it.
       *[other] The other system has no way to say this.
    }
    .fix = { $kind ->
        [faulty] Correct the event there, or delete it and make it anew; the rest of the calendar goes on.
        [answers] Have the owner answer on the server too. Or, where the server mails nobody about events (on SOGo: SOGoAppointmentSendEMailNotifications = NO), set notifications = "off" under [domain.target.caldav] and have it tried again. The rest of the calendar goes on.
        [organizer] Nothing, if the calendars of { $to } are carried too: Parom tries again by itself, every hour at last. Else have { $to } make the meeting on the server. The rest of the calendar goes on.
        [behind] Install the time zone updates of Windows on the Exchange servers, restart them, and have it tried again; or choose another time zone for the event. The rest of the calendar goes on.
       *[other] Change the event so that both systems can hold it; the rest of the calendar goes on.
    }
    .command = { $kind ->
        [answers] parom parked --retry
        [organizer] parom parked --retry
        [behind] parom parked --retry
       *[other] parom calendar sync { $account }
    }
error-event-refused = { $host } refused the event { $event } in "{ $what }": { $answer }.
    .why = The server does not take the event as it is.
    .fix = Correct the event where it comes from; the rest of the calendar goes on.
    .command = parom parked --retry
error-event-troubled = { $host } failed at the event { $event } in "{ $what }": { $answer }.
    .why = The server had a trouble of its own, for example two writes at the same moment.
    .fix = Nothing at first: Parom tries again by itself, after a minute and then more and more seldom. If it stays, look at the server's log.
    .command = parom parked
error-event-forbidden = { $host } does not let Parom write the event { $event } in "{ $what }": { $answer }.
    .why = The login may not write into this calendar, or the server lets nobody change this event.
    .fix = Give the login the right to write into the calendar "{ $what }", then have it tried again; the rest of the calendar goes on.
    .command = parom parked --retry
error-event-locked = The event { $event } in "{ $what }" is locked at { $host }: { $answer }.
    .why = Another program is writing it and keeps others away meanwhile.
    .fix = Nothing is to be done: it is tried again by itself, once an hour at least. If it stays, have the lock removed on the server.
    .command = parom parked --retry
error-event-not-removed = The event { $event } was deleted on the { $side }, and { $host } does not let Parom delete it in "{ $what }": { $answer }.
    .why = The login may not delete in this calendar, the server keeps this event, or somebody has locked it.
    .fix = Delete it there by hand; or give the login the right to delete in the calendar "{ $what }", then have it tried again.
    .command = parom parked --retry
error-event-not-removed-with-detail = The event { $event } was deleted on the { $side } and stays in "{ $what }" at { $host }: { $detail }.
    .why = Parom writes to nobody, and does not delete where the server would tell people of it.
    .fix = { $kind ->
        [answers] Have its owner delete it there by hand, if the organizer may hear of it. Or, where the server mails nobody about events (on SOGo: SOGoAppointmentSendEMailNotifications = NO), set notifications = "off" under [domain.target.caldav] and run "parom parked --retry".
       *[other] Have its owner delete it there by hand, if its participants may hear of it. The next pass sees that.
    }
    .command = parom calendar sync { $account }
error-event-too-large = The event { $event } in "{ $what }" has { $bytes }; { $host } takes at most { $limit }.
    .why = Attachments make the event larger than the server allows.
    .fix = Raise the server's limit, or take the attachments out of the event.
    .command = parom parked --retry
error-event-too-large-without-limit = The event { $event } in "{ $what }" has { $bytes }, which is more than { $host } takes.
    .why = Attachments make the event larger than the server allows; what it allows, it does not say.
    .fix = Raise the server's limit, or take the attachments out of the event.
    .command = parom parked --retry
error-event-too-large-without-bytes = The event { $event } in "{ $what }" has more than { $limit }, and events that large are not carried.
    .why = Attachments make the event larger than anything that Exchange takes.
    .fix = Take the attachments out of the event; the rest of the calendar goes on.
    .command = parom calendar sync { $account }
error-event-unreadable = { $host } does not give the event { $event } in "{ $what }": { $answer }.
    .why = The event is damaged on its server.
    .fix = Open and save the event there, or delete it; the rest of the calendar goes on.
    .command = parom parked --retry
error-event-doubled = The event { $event } is not carried: "{ $what }" has several events with its UID, and one of them is carried.
    .why = Phones and old programs leave such copies; the other system keeps an event of this UID once.
    .fix = Delete the copy that is too many, or make it anew as an event of its own.
    .command = parom calendar sync { $account }
error-event-restless = The event { $event } in "{ $what }" changes after each time it is written; it is left alone for ten minutes.
    .why = The server, or another program, rewrites what is written.
    .fix = Find out who else changes this event. It is tried again by itself.
    .command = parom calendar status
error-event-half = The event { $event } in "{ $what }" is written at { $host } only in part: { $answer }.
    .why = The server took the beginning of it and refused the rest. What is there is not carried back.
    .fix = It is tried again every ten minutes, and at once when the event is changed on the other side or with "parom parked --retry".
    .command = parom parked --retry
error-event-half-without-answer = The event { $event } in "{ $what }" is written at { $host } only in part.
    .why = The server took the beginning of it and refused the rest. What is there is not carried back.
    .fix = It is tried again every ten minutes, and at once when the event is changed on the other side or with "parom parked --retry".
    .command = parom parked --retry
error-calendars-not-configured = Nothing is configured for the calendars of { $account }.
    .why = { $path } names no servers for the calendars of this domain.
    .fix = Add [domain.source.ews] and [domain.target.caldav]; "parom init" writes both, explained, into a new file.
    .command = parom --config new.toml init
error-calendar-gone = The calendar "{ $what }" is no longer at { $host }.
    .why = Somebody deleted or renamed it.
    .fix = Nothing is deleted on the other side for that. Check whether the calendar is to be there.
    .command = parom calendar status
error-calendar-refused = { $host } does not open the calendar "{ $what }": { $answer }.
    .why = The account's rights on the calendar do not suffice, or the server has a fault.
    .fix = Check the rights on the calendar.
    .command = parom calendar status
error-calendar-redirected = { $host } sends what is written to the calendar "{ $what }" elsewhere: { $answer }.
    .why = The address in the configuration is not the server's own: something in front of it leads to another address, or to a sign-in page.
    .fix = Set "url" in [domain.target.caldav] to the address to which it leads, or have the redirect taken away. What waits is carried then.
    .command = parom calendar sync { $account }
error-calendar-incomplete = The calendar "{ $what }" on the { $side } lists no events, yet gives those that are asked for one by one.
    .why = The server's list is not complete: its index is damaged, or the calendar is being restored or moved.
    .fix = Nothing is deleted because of it. Check the calendar in a client and let the server's index be rebuilt; Parom goes on by itself.
    .command = parom calendar status
error-calendar-unpaired = The event { $event } waits: its calendar "{ $what }" has no partner on the { $side }, where none can be made.
    .why = The server does not let its users make calendars, or this account may not.
    .fix = Make a calendar of this name there by hand, or set several = "first-with-category"; the event follows by itself.
    .command = parom calendar status
error-impersonation-denied = { $service ->
        [caldav] { $host } does not let Parom see the calendars of { $login }: { $answer }.
       *[ews] The service account may not act for { $login } at { $host }: { $answer }.
    }
    .why = { $service ->
        [caldav] The one who signs in has no right to the calendars of this person, or "home" leads to somebody else's.
       *[ews] The role ApplicationImpersonation is missing, or its scope does not include this mailbox.
    }
    .fix = { $service ->
        [caldav] Give the login of [domain.target.caldav] the right to read and write them on the server, or correct "login" and "home".
       *[ews] On Exchange: New-ManagementRoleAssignment -Name Parom -Role ApplicationImpersonation -User <service account>
    }
    .command = { $service ->
        [caldav] parom calendar sync { $account }
       *[ews] parom calendar status
    }
error-mailbox-missing = There is no mailbox or calendar of { $login } at { $host } ({ $answer }).
    .why = The address is not the primary one, the mailbox was moved, or its owner never signed in.
    .fix = Check the login of the account on this side; on a new system, let the owner sign in and open the calendar once.
    .command = parom account list
error-answer-unexpected = { $host } gave an answer that is not the expected protocol: { $answer }.
    .why = Something else answers at this address: a proxy, a sign-in page, another service.
    .fix = Check the address in the configuration. That of calendars on SOGo ends with /SOGo/dav/.
    .command = parom calendar status
error-sieve-not-configured = { $account } has an automatic reply that is not carried: no ManageSieve server is configured.
    .why = { $path } has no [domain.target.sieve] for this domain.
    .fix = If the target has ManageSieve, add the table; "parom init" writes it, explained, into a new file. Else tell the owner to set the reply there.
    .command = parom --config new.toml init
error-sieve-extension-missing = { $host } cannot give the automatic reply of { $account }: its Sieve has no "{ $what }".
    .why = Without this extension of Sieve the reply could not be said as it is in Exchange. Nothing was changed.
    .fix = Switch the extension on at the server (Dovecot: sieve_extensions), then run again.
    .command = parom oof copy { $account }
error-sieve-script-in-the-way = { $account } has a Sieve script of their own at { $host }, "{ $name }", and it stays the active one. The automatic reply is not carried.
    .why = The server runs one script, and cannot run a second one beside it: it lacks the extension "include".
    .fix = Switch "include" on at the server, or let the owner add the reply to "{ $name }" or deactivate it; then run again.
    .command = parom oof copy { $account }
error-sieve-script-answers = { $account } has a Sieve script of their own at { $host }, "{ $name }", which uses "{ $what }". It stays as it is, and the automatic reply is not carried.
    .why = A message can be answered once, and not be answered and rejected: a second rule would fail the whole script.
    .fix = Nothing, if the owner has set a reply there. Else let the owner take that rule out; then run again.
    .command = parom oof copy { $account }
error-sieve-name-taken = { $account } has a Sieve script named "{ $name }" at { $host } that is not Parom's. It stays as it is, and the automatic reply is not carried.
    .why = Parom writes the reply into a script of this name, and overwrites nobody's.
    .fix = Let the owner rename that script; then run again.
    .command = parom oof copy { $account }
error-sieve-script-refused = { $host } refused the script with the automatic reply of { $account }: { $answer }.
    .why = The script or its size is not allowed there, or the quota for scripts is used up.
    .fix = Look at the script, and raise the limit on the server (Dovecot: sieve_quota_max_storage, sieve_max_script_size).
    .command = parom oof copy { $account } --dry-run
error-state-unavailable = The state { $path } cannot be used: { $detail }.
    .why = The folder is missing, its rights do not suffice, or the disk fails.
    .fix = Check that the folder exists and that this user may write to it.
    .command = ls -l { $path }
error-state-full = There is no space left for the state { $path }.
    .why = The disk is full. Nothing is lost: what was begun is finished by the next run.
    .fix = Free some space on this disk, then run again.
    .command = df -h
error-state-locked = The state { $path } is in use by another Parom (process { $pid }).
    .why = Two processes must not carry the same mail at the same time.
    .fix = Wait until the other process ends, or stop it.
    .command = ps -fp { $pid }
error-state-newer = The state { $path } was written by a newer Parom (its format is { $found }; this program knows { $known }).
    .why = An older program could misread it.
    .fix = Start the newer program. Nothing was changed.
    .command = parom --version
error-state-damaged = The state { $path } is damaged: { $detail }.
    .why = The file was altered or the disk has failed.
    .fix = Restore it from a backup. Or move it away with its log, then set the secrets and add the accounts anew: the next pass pairs everything that is equal and copies nothing twice.
    .command = mkdir damaged && mv { $path }* damaged/
error-lease-lost = Another Parom has taken over { $account }.
    .why = This process did not renew its lease in time, for example because the machine slept.
    .fix = Nothing: whoever holds the lease goes on.
    .command = parom status
error-secret-missing = The secret "{ $name }" is not set.
    .why = The configuration names it, but no value is sealed under this name.
    .fix = Set it; the value is read without being shown.
    .command = parom secret set { $name }
error-secret-unreadable = The sealed secrets do not open with the key { $path }: { $detail }.
    .why = The key file is missing, unreadable, or belongs to another state.
    .fix = Put the right key file back; without it every password has to be set anew.
    .command = parom secret list
error-secret-unreadable-with-mode = The key file { $path } is open to others: its mode is { $mode }, and it must be 600.
    .why = Whoever can read the key can read every sealed password. A copy or an unpacked backup often changes the mode.
    .fix = Leave it to its owner alone, then run again.
    .command = chmod 600 { $path }
error-account-unknown = There is no account { $account }.
    .why = It was not added, or the address is mistyped.
    .fix = See which accounts there are, or add it.
    .command = parom account list
error-account-domain-missing = The domain of { $account } is not in { $path }.
    .why = It was there when the account was added. Configured now: { $known }.
    .fix = Add the [[domain]] again, or remove the account.
    .command = parom account remove { $account }
error-account-password-missing = { $account } has no password for the { $side }.
    .why = The configuration says that each account has its own.
    .fix = Give it in a file, or use a service account ("password" in the configuration).
    .command = parom account add { $account } --{ $side }-password-file FILE
error-account-service-login-missing = No service account is named that could sign in for { $account } on the { $side }.
    .why = "login" has a place for a service account, and neither the configuration nor the account names one.
    .fix = Set "service_login" in the configuration, or import the account with collector_username and collector_password.
    .command = parom import FILE

## Holding back

error-braked = A brake has tripped: { $brake }.
    .why = This looks like an accident rather than like work, so nothing was done about it.
    .fix = Look at both sides; if it is meant, release it.
    .command = parom brakes
error-receipts-held = Held back: { $brake }.
    .why = Exchange sends a receipt when unread mail is marked as read or deleted over IMAP. So these messages wait as they are; all others go on.
    .fix = Let the Exchange admin run "Set-CASMailbox { $account } -ImapUseProtocolDefaults $false -ImapSuppressReadReceipt $true", then set read_receipts = "suppressed" in the configuration. To let the receipts go out, release the brake.
    .command = parom brakes
error-cancelled = Stopped before the end.
    .why = Ctrl-C or a signal ended the run.
    .fix = Nothing: what was begun is finished by the next run.
    .command = parom sync --all
error-internal = Parom has met a defect of its own: { $detail }.
    .why = This should not happen; nothing was lost, because operations are written down before they are tried.
    .fix = Run again; if it stays, report this sentence with the log.
    .command = parom -v sync --all

# Why an event cannot be carried as it is: the end of a sentence.
unfit-not-utf8 = its text is not in UTF-8
unfit-not-icalendar = what is stored is no calendar
unfit-broken-line = a line of it is broken
unfit-broken-structure = its text ends too early or is broken
unfit-other-scale = it counts by another calendar than the Gregorian one
unfit-no-event = there is no event in it
unfit-not-an-event = it is no event but a task or something else
unfit-scheduling-message = it is a message about a meeting, and no event
unfit-several-objects = it holds several events
unfit-no-uid = it has no UID
unfit-no-start = it has no start
unfit-two-masters = it is there twice in one text
unfit-twice-the-same-occurrence = one occurrence is told twice
unfit-bad-time = one of its times does not exist
unfit-bad-duration = its duration cannot be understood
unfit-mixed-types = dates and times are mixed in it
unfit-end-before-start = it ends before it begins
unfit-unknown-zone = nobody knows its time zone
unfit-bad-zone = the definition of its time zone cannot be followed
unfit-bad-rule = its recurrence rule cannot be understood
unfit-rule-extension = its recurrence rule uses an extension that Exchange does not have
unfit-several-rules = it has several recurrence rules
unfit-exclusion-rule = it excludes occurrences by a rule of their own
unfit-period-dates = it has further dates of their own length
unfit-this-and-future = one of its occurrences is changed for itself and all later ones
unfit-series-too-many = its series has no pattern in Exchange, and would become too many events
unfit-series-outside-window = its series has no pattern in Exchange
unfit-series-out-of-range = its series begins before April 1601 or ends after August 4500
unfit-series-apart = its series has no pattern in Exchange: some occurrences would have to be events of their own
unfit-stray-exception = an exception is of an occurrence that the series does not have
unfit-exception-crossing = an occurrence was moved beyond its neighbour, or to the same day
unfit-no-occurrence = none of its occurrences takes place
unfit-instances-only = there are single occurrences without the series
unfit-zone-unknown-to-windows = Windows does not have the time zone of its series
unfit-zone-unknown-to-server = this Exchange does not know the time zone of its series
unfit-out-of-range = it lies before April 1601 or after August 4500
unfit-too-long = it is longer than five years
unfit-too-much-beside = it says more beside what Exchange knows than fits there
unfit-server-would-write = the server would write to its participants
unfit-server-would-answer = the server would mail { $to } an answer in the name of the calendar's owner
unfit-organizer-lacks-it = its organizer { $to } does not have it there
unfit-category-of-calendar = one of its categories would put it into another calendar
unfit-categories-are-dropped = the server drops categories, so that nothing would tell in which calendar it belongs
