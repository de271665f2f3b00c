# What the commands say.

unit-b = B
unit-kb = KB
unit-mb = MB
unit-gb = GB
unit-tb = TB
unit-s = s
unit-min = min
unit-h = h
word-or = or

init-done = Written: { $file }.
    .fix = Check the servers in it, then add accounts.
    .command = parom --config { $file } account add name@{ $domain }
init-exists = { $file } exists already and is left as it is.
    .fix = Edit it, move it away, or name another file with --config.
init-cannot-write = Cannot write { $file }: { $detail }.
    .fix = Check that the folder exists and that this user may write to it.

phase-connecting = connecting
phase-recovering = looking for what an earlier run left unfinished
phase-observing = looking at the folders of both sides
phase-carrying = carrying

work-nothing = no changes
work-count = { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    }
work-messages = { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    } ({ $bytes })
work-changes = { $changes ->
        [one] { $changes } change
       *[other] { $changes } changes
    }
work-both = { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    } ({ $bytes }) and { $changes ->
        [one] { $changes } change
       *[other] { $changes } changes
    }
work-events = { $events ->
        [one] { $events } event
       *[other] { $events } events
    }
progress-all = all together
progress-calendars-of = { $account }, calendars
progress-planned = to do: { $work }
progress-moving = { $done } of { $planned }, { $done_bytes }, { $rate }/s
progress-moving-eta = { $done } of { $planned }, { $done_bytes }, { $rate }/s, { $left } left
progress-moving-events = { $done } of { $planned ->
        [one] { $planned } event
       *[other] { $planned } events
    }
progress-parked-event = parked: { $why }
progress-parked = parked: { $why }
ended-in-step = in step after { $elapsed }: { $work }
ended-in-step-parked = in step after { $elapsed }: { $work }; { $parked ->
        [one] { $parked } message is
       *[other] { $parked } messages are
    } parked (parom parked)
ended-in-step-parked-events = in step after { $elapsed }: { $work }; { $parked ->
        [one] { $parked } event is
       *[other] { $parked } events are
    } parked (parom parked)
ended-unsettled-parked-events = not settled yet after { $elapsed }: { $work }; the next pass goes on; { $parked ->
        [one] { $parked } event is
       *[other] { $parked } events are
    } parked (parom parked)
ended-unsettled = not settled yet after { $elapsed }: { $work }; the next pass goes on
ended-unsettled-parked = not settled yet after { $elapsed }: { $work }; the next pass goes on; { $parked ->
        [one] { $parked } message is
       *[other] { $parked } messages are
    } parked (parom parked)
ended-left = not settled after { $elapsed }: { $work }; what is left waits for the next run
ended-left-parked = not settled after { $elapsed }: { $work }; what is left waits for the next run; { $parked ->
        [one] { $parked } message is
       *[other] { $parked } messages are
    } parked (parom parked)
ended-left-parked-events = not settled after { $elapsed }: { $work }; what is left waits for the next run; { $parked ->
        [one] { $parked } event is
       *[other] { $parked } events are
    } parked (parom parked)
ended-held = held: { $why }
ended-failed = failed: { $why }
ended-again-now = { $why } Trying again.
ended-again = { $why } Trying again in { $pause }.
ended-planned = planned; nothing was changed
ended-interrupted = stopped; the next run goes on from here

reference-config = The configuration
reference-cli = The command line
reference-errors = Errors
reference-made = This page is made by the program itself (parom reference).
reference-allowed = Value:
reference-range = a whole number from { $min } to { $max }
reference-preset = Without it:
reference-required = (must be given)
reference-derived = (see above)
reference-exit = Exit code:

init-key = Written: { $file }, the key that opens the sealed passwords. Keep a copy in a safe place.
runtime-failed = This machine gives no threads or sockets: { $detail }.
    .fix = Raise the limits of this user (ulimit), then run again.
output-failed = The output cannot be written: { $detail }.
    .fix = Check where stdout leads.

password-ask = Password for { $what }:
password-again = Once more:
password-differs = The two are different; nothing was changed.
password-empty = There is no password in { $file }.
    .fix = Put it into the first line.
password-lines = { $file } has several lines; a password has one.
    .fix = Name the right file.
password-unreadable = Cannot read the password from { $file }: { $detail }.
    .fix = Check the path and its rights.

side-source = source
side-target = target
word-on = on
word-off = off
word-ago = { $age } ago
told-unknown-code = { $code } (this version does not know the sentence)

import-read = { $file }: { $count ->
        [one] { $count } row
       *[other] { $count } rows
    }, { $encoding }, separated by "{ $delimiter }".
import-unreadable = { $file } cannot be read: { $detail }.
    .fix = Check the path and the rights.
import-empty = { $file } is empty.
    .fix = The first line names the columns; each further line is one person.
import-too-big = { $file } is too big for a table of people.
    .fix = Check that it is the right file, or split it.
import-not-text = { $file } is no text: perhaps a workbook.
    .fix = In the spreadsheet program save it as CSV.
import-broken = { $file }, line { $line }: a quote does not end, or a cell is longer than any that belongs here.
    .fix = Mend the line.
import-column-near = { $file }: there is no column "{ $found }"; did you mean "{ $column }"? Nothing was imported.
import-column-unknown = { $file }: there is no column "{ $found }". Nothing was imported.
    .fix = The columns are { $known }.
import-column-twice = { $file }: the column "{ $column }" is there twice. Nothing was imported.
import-column-missing = { $file }: the column "{ $column }" is missing. Nothing was imported.
    .fix = Put it into the first line.
import-at = Line { $line }: { $what }
import-at-column = Line { $line }, column { $column }: { $what }
import-too-many-cells = the row has { $cells } cells, the table { $columns } columns; a cell that holds the separator must stand in quotes.
import-missing = the cell is empty, but needed.
import-not-an-address = "{ $found }" is not a mail address.
import-domain = the domain of { $found } is not in the configuration; there are: { $known }.
import-twice = { $found } stands on line { $line } already.
import-password-short = the password has fewer than 8 characters.
import-not-true = "{ $found }" is neither true nor false.
import-not-one = "{ $found }" is neither 1 nor 0.
import-not-a-phone = "{ $found }" is not a phone number.
import-not-a-number = "{ $found }" is not a number from 1 on.
import-control = the cell holds a line break or another control character.
import-quote = a quote does not end.
import-no-service-password = the service account { $found } is named, but its password is missing.
import-no-service-template = the service account { $found } is named, but "login" of this domain's source has no {"{"}service_login{"}"}.
import-other-logins = the account is there with other logins ({ $source } on the source, { $target } on the target); logins say whose mail it is and are not changed by an import.
import-sessions-end = all sessions of this person will end
import-no-collector = messenger only, no mail
import-password-new = the password is for a new mailbox only
import-password-changes = the password of the mailbox will be changed
import-create = new
import-update = changed
import-unchanged = unchanged
import-not = refused
import-more = … and { $count } more.
import-sum = New: { $create }, changed: { $update }, unchanged: { $unchanged }, refused: { $refused }.
import-refused = Nothing was imported: { $count ->
        [one] { $count } row is
       *[other] { $count } rows are
    } refused.
    .fix = Mend these rows, or import the others without them.
    .command = parom import { $file } --without-bad-rows
import-done = Imported: { $count ->
        [one] { $count } row
       *[other] { $count } rows
    } written.
    .command = parom account list
import-vk-done = The table for VK WorkSpace is in { $file }. It holds passwords: delete it when the users are made.
import-vk-unwritable = { $file } cannot be written: { $detail }. Nothing was imported.
    .fix = Check the path and the rights.
import-report-unwritable = The report { $file } cannot be written: { $detail }. Nothing was imported.
    .fix = Check the path and the rights.

account-added = Added: { $account } (source login { $source }, target login { $target }).
    .command = parom sync --account { $account }
account-changed = { $account } is there already (source login { $source }, target login { $target }); nothing was changed.
    .command = parom sync --account { $account }
account-passwords = The passwords of { $account } are set (source login { $source }, target login { $target }).
    .command = parom sync --account { $account }
account-lacks-source = { $account } is there, but has no password for the source yet.
    .fix = Give it in a file, or use a service account ("password" in the configuration).
    .command = parom account add { $account } --source-password-file FILE
account-lacks-target = { $account } is there, but has no password for the target yet.
    .fix = Give it in a file, or use a service account ("password" in the configuration).
    .command = parom account add { $account } --target-password-file FILE
account-lacks-both = { $account } is there, but has no passwords yet.
    .fix = Give them in files, or use service accounts ("password" in the configuration).
    .command = parom account add { $account } --source-password-file FILE --target-password-file FILE
account-other-logins = { $account } is there already with other logins: { $source } on the source, { $target } on the target. Nothing was changed.
    .why = The logins say whose mail it is; changing them in passing could mix two people's mail.
    .fix = To change them, remove the account (its mail stays), then add it again.
    .command = parom account remove { $account }
account-address = "{ $found }" is not a mail address.
    .fix = Give the whole address, such as name@corp.example.
account-domain = The domain of { $account } is not in { $file }.
    .fix = Configured: { $known }. Correct the address, or add a [[domain]].
account-none = There are no accounts yet.
    .fix = Add one.
    .command = parom account add name@corp.example
account-all-off = All accounts are switched off.
    .fix = Switch on those that are to be carried.
    .command = parom account on { $account }
account-on = { $account }: on
account-off = { $account }: off
account-set = { $account }: noted; it counts from the next run of "parom sync"
account-database = "{ $found }" is not the name of a mailbox database.
    .fix = Use the name as the Exchange shows it.
account-removed = { $account }: forgotten; the mail on both sides is as it was

secret-name = "{ $found }" cannot be the name of a secret.
    .fix = Use letters, digits and - _ . @ \ /, at most 64 of them.
secret-set = Sealed: { $name }.
secret-set-unused = Sealed: { $name }. Nothing uses it yet.
    .fix = Name it in the configuration: password = "secret:{ $name }"
secret-none = No secrets are sealed.
    .command = parom secret set service
secret-unknown = There is no secret "{ $name }".
    .command = parom secret list
secret-removed = Removed: { $name }.

head-account = ACCOUNT
head-line = LINE
head-result = RESULT
head-column = COLUMN
head-remarks = REMARKS
head-enabled = ENABLED
head-source-login = SOURCE LOGIN
head-target-login = TARGET LOGIN
head-standing = STATE
head-folders = FOLDERS
head-linked = MESSAGES
head-parked = PARKED
head-last-ok = LAST IN STEP
standing-off = off
standing-new = not begun
standing-in-step = in step
standing-unsettled = more to do
standing-held = held
standing-failed = failed
pace-server = { $server } is worked on with { $allowed } of { $most } connections: { $ago } it said "{ $answer }".
pace-login = { $server }: the service account { $name } has { $allowed } of { $most } connections: { $ago } the server said "{ $answer }".
pace-database = { $server }: the database { $name } is worked on with { $allowed } of { $most } connections: { $ago } the server said "{ $answer }".
pace-pause = Nothing is asked of it for another { $left }, as it wished. "parom account on ADDRESS" ends that.

hidden-folders = The { $side } says that there are folders in "{ $folder }", and does not show them. They are not carried.
    .why = Exchange shows no folder over IMAP that has a "/" in its name, nor what is below it.
    .fix = Rename the folder in Outlook or Outlook on the web, without "/": the next pass finds it. Or configure [domain.source.ews]: such folders then come over EWS.
    .command = parom sync --account { $account }
parked-none = Nothing is parked.
parked-head = { $account }, { $side }, "{ $folder }", message { $uid }, parked { $since }
parked-retried = { $count ->
        [one] { $count } message
       *[other] { $count } messages
    } will be tried again.
    .command = parom sync --all
parked-event-head = { $account }, { $side }, calendar "{ $calendar }", event { $event }, parked { $since }
# How an event is called: "the event ..." stands before it.
named-event = "{ $title }" of { $day }
named-event-undated = "{ $title }"
named-event-untitled = of { $day }
named-event-unknown = (neither its title nor its UID is known)
named-event-uid = { $event } (UID { $uid })
named-event-file = { $event } ({ $file })
parked-event-off = The calendars of { $account } are off: nothing is tried again before they are on.
    .command = parom calendar subscribe { $account }
parked-events-retried = { $count ->
        [one] { $count } event
       *[other] { $count } events
    } will be tried again.
    .command = parom calendar sync --all
parked-busy = { $account } is being worked on by another process.
    .fix = Try again when it is done.

brake-emptied-folder = { $count } of { $total ->
        [one] { $total } message
       *[other] { $total } messages
    } vanished at once from "{ $folder }" on the { $side }
brake-vanished-folder = the folder "{ $folder }" vanished on the { $side }, with { $count ->
        [one] { $count } message
       *[other] { $count } messages
    } in it
brake-other-mailbox = { $total ->
        [0] the login opens another mailbox on the { $side } than before
       *[other] "{ $folder }" on the { $side } does not hold what it held before: it is another mailbox, or the folder was replaced
    }
brake-restored-server = "{ $folder }" on the { $side } is older than it was: the server was restored from a backup, or it is another mailbox
brake-receipts = { $count ->
        [one] a message in "{ $folder }" asks for a read receipt, which the { $side } would send to its sender
       *[other] { $count } messages in "{ $folder }" ask for a read receipt, which the { $side } would send to their senders
    }
brake-many-deletions = { $count } of { $total ->
        [one] { $total } message
       *[other] { $total } messages
    } { $count ->
        [one] is
       *[other] are
    } gone from the { $side }, and deleting them on the other side could not be undone; with those of the last 24 hours they are more than brake_deletions and brake_percent allow
brake-emptied-calendar = { $count } of { $total ->
        [one] { $total } event
       *[other] { $total } events
    } vanished at once from the calendar "{ $folder }" on the { $side }
brake-vanished-calendar = the calendar "{ $folder }" vanished on the { $side }, with { $count ->
        [one] { $count } event
       *[other] { $count } events
    } in it
brake-many-event-deletions = { $count } of { $total ->
        [one] { $total } event
       *[other] { $total } events
    } { $count ->
        [one] is
       *[other] are
    } gone from the { $side }; with those of the last 24 hours they are more than brake_deletions and brake_percent allow
brakes-none = No brake holds anything.
brakes-head = { $account }, held; tripped { $since }
brakes-released-head = { $account }, released { $since }: the next pass goes on
brakes-command = parom brakes release { $account }
brakes-then-calendar = parom calendar sync { $account }
brakes-then = parom sync --account { $account }
brakes-nothing-held = { $account }: nothing is held.
brakes-released = { $account }: { $count ->
        [one] { $count } brake
       *[other] { $count } brakes
    } released; the next pass does what was held.
    .command = parom sync --account { $account }
brakes-released-calendar = { $account }: { $count ->
        [one] { $count } brake of calendars
       *[other] { $count } brakes of calendars
    } released; the next pass does what was held.
    .command = parom calendar sync { $account }

server-head = { $domain }, { $side }: { $server }, product: { $product }
server-used = Extensions in use: { $names }
server-unused = Offered and not used: { $names }
server-configured = (set in the configuration)
word-yes = yes
word-no = no

login-opened = opens the mailbox: { $form } with { $service }
login-refused = refused: { $form } with { $service } ({ $answer })
login-own = opens the mailbox of the service account itself: { $form } with { $service }
login-unknown = not offered: { $form } with { $service }
login-later = not tried yet: { $form } with { $service }
login-found = This form opens the mailbox of { $account }. Set it for [domain.source.imap] in the configuration:
login-self = The service account itself is not let in, so no mailbox of others was tried with it.
    .why = The password is wrong, or the service account has no mailbox, no IMAP, another name, or is an administrator. One more wrong password after the other would lock it.
    .fix = Sign in with it by Outlook on the web, then set its password anew.
    .command = parom secret set NAME
login-none = None of the known forms opens the mailbox of { $account }.
    .why = The password is wrong; the service account has no mailbox, no IMAP or is an administrator; it has no full access to this mailbox; or the mailbox has another alias than the part of the address before the @.
    .fix = On Exchange: Add-MailboxPermission { $account } -User SERVICE -AccessRights FullAccess -AutoMapping $false. Check the alias (Get-Mailbox { $account } | fl Alias) and give it as the source login.

state-no-folder = The folder { $folder } of the state does not exist.
    .why = "state" in the configuration names { $file }.
    .fix = Make the folder, or correct the name.
    .command = mkdir -p { $folder }
state-not-there = There is no state { $file } yet.
    .why = It is made when the first account or secret is added.
    .fix = Add an account.
    .command = parom account add name@corp.example

calendar-nobody = There is no account whose calendars are to be carried.
    .fix = Say so for some accounts, or set "mode" in [domain.calendars].
    .command = parom calendar subscribe name@corp.example
calendar-switched-on = { $account }: from now on the calendars are brought from the source to the target, also by "parom calendar sync --all"; "parom calendar unsubscribe { $account }" ends it
calendar-left-off = { $account }: the calendars were switched off ("parom calendar unsubscribe") and are left alone.
    .why = To carry them once would switch them on again for good.
    .fix = Switch them on: both ways, or from the source to the target only, by "parom calendar sync --on { $account }".
    .command = parom calendar subscribe { $account }
calendar-off = { $account }: the calendars are left alone from now on; nothing was deleted
calendar-unpaired = The calendar "{ $calendar }" has no partner on the { $side }, where none can be made. Its events wait.
    .why = The server does not let its users make calendars, or this account may not.
    .fix = Make a calendar of this name there by hand. The next pass finds it.
head-archive-number = NUMBER
head-archive-when = WHEN
head-archive-side = SIDE
head-archive-why = WHY
head-archive-day = DAY
head-archive-title = TITLE
head-archive-uid = UID
calendar-archive-given-up = given up by a merge
calendar-archive-overwritten = as it was before it was overwritten
calendar-archive-none = No version of an event had to be kept.
calendar-archive-saved = Written into { $file }.
calendar-archive-unsaved = Cannot write { $file }: { $detail }.
    .fix = Name a file that does not exist yet, in a folder that you may write.
calendar-archive-unknown = { $account } has no archived event with the number { $number }.
    .command = parom calendar archive list { $account }
calendar-archive-restored = The event was put back. The next pass carries it.
    .command = parom calendar sync { $account }
calendar-archive-in-the-way = The event is still in the calendar of { $account }, so nothing was put back.
    .why = A second event of the same identity would confuse every program.
    .fix = Save the archived version and compare, or delete the event in the calendar first.
    .command = parom calendar archive get { $account } { $number }
calendar-archive-nowhere = { $account } has no calendar there that may be written.
    .command = parom calendar status { $account }
calendar-mode-off = off
calendar-mode-sync = sync
calendar-mode-subscribe = subscribed
calendar-plan-make = { $side }: make the calendar "{ $calendar }"
calendar-plan-calendar = CALENDAR
calendar-plan-merge = BRING TOGETHER
head-calendar-mode = CALENDARS
head-calendars = HOW MANY
head-events = EVENTS
calendar-verify-equal = { $account }: equal: { $equal ->
        [one] { $equal } event
       *[other] { $equal } events
    }{ $explained ->
        [0] {""}
        [one] {" "}(and { $explained } difference is known)
       *[other] {" "}(and { $explained } differences are known)
    }
calendar-verify-differs = { $account }: { $count ->
        [one] { $count } difference
       *[other] { $count } differences
    }; equal: { $equal ->
        [one] { $equal } event
       *[other] { $equal } events
    }{ $explained ->
        [0] {""}
        [one] {" "}(and { $explained } difference is known)
       *[other] {" "}(and { $explained } differences are known)
    }
calendar-verify-missing-source = "{ $calendar }": the event { $event } is missing on the source; the target has it
calendar-verify-missing-target = "{ $calendar }": the event { $event } is missing on the target; the source has it
calendar-verify-doubled = "{ $calendar }": the event { $event } is on the { $side } more than once
calendar-verify-unreadable = "{ $calendar }": an event on the { $side } cannot be read
calendar-verify-unreadable-named = "{ $calendar }": the event { $event } on the { $side } cannot be read
calendar-verify-altered = "{ $calendar }": the event { $event } says something else on each side
verify-equal = { $account }: equal: { $equal ->
        [one] { $equal } message
       *[other] { $equal } messages
    } in { $folders ->
        [one] { $folders } folder
       *[other] { $folders } folders
    }{ $parked ->
        [0] {""}
        [one] {" "}(and { $parked } message is parked)
       *[other] {" "}(and { $parked } messages are parked)
    }{ $deleted ->
        [0] {""}
        [one] {" "}(and { $deleted } that was deleted is in the trash of one side)
       *[other] {" "}(and { $deleted } that were deleted are in the trash of one side)
    }
verify-differs = { $account }: { $count ->
        [one] { $count } difference
       *[other] { $count } differences
    }; equal: { $equal ->
        [one] { $equal } message
       *[other] { $equal } messages
    } in { $folders ->
        [one] { $folders } folder
       *[other] { $folders } folders
    }{ $parked ->
        [0] {""}
        [one] {" "}(and { $parked } message is parked)
       *[other] {" "}(and { $parked } messages are parked)
    }{ $deleted ->
        [0] {""}
        [one] {" "}(and { $deleted } that was deleted is in the trash of one side)
       *[other] {" "}(and { $deleted } that were deleted are in the trash of one side)
    }
verify-more = ... and { $count } more (--json shows all)
verify-parked = parked, see "parom parked": { $difference }
verify-deleted = deleted on one side, kept in the other's trash: { $difference }
verify-folder-missing-source = "{ $folder }": no such folder on the source; on the target it holds { $count ->
        [one] { $count } message
       *[other] { $count } messages
    }
verify-folder-missing-target = "{ $folder }": no such folder on the target; on the source it holds { $count ->
        [one] { $count } message
       *[other] { $count } messages
    }
verify-missing-source = "{ $folder }": message { $uid } of the target is missing on the source
verify-missing-target = "{ $folder }": message { $uid } of the source is missing on the target
verify-doubled-source = "{ $folder }": message { $uid } is on the source once more than on the target
verify-doubled-target = "{ $folder }": message { $uid } is on the target once more than on the source
verify-altered = "{ $folder }": message { $uid } has the same headers on the target (there { $uid_target }) and says something else: { $source } bytes on the source, { $target } on the target
verify-line-ends = "{ $folder }": message { $uid } is on the target (there { $uid_target }) with other line ends or another last one, and the same otherwise: { $source } bytes on the source, { $target } on the target
verify-unreadable = "{ $folder }": message { $uid } cannot be read on the { $side }
verify-substituted = "{ $folder }": the { $side } cannot show message { $uid } and gives another text in its place
verify-marks = "{ $folder }": flags of message { $uid } (on the target { $uid_target }): only on the source: { $source }; only on the target: { $target }
verify-date = "{ $folder }": date of message { $uid } (on the target { $uid_target }): on the source { $source }, on the target { $target }
verify-stopped = stopped before everything was compared

stopping = Stopping; a second Ctrl-C ends at once.
plan-nothing = { $account }: nothing to do.
plan-held = { $account }, held back:
plan-head = { $account }, to be done{ $count ->
        [0] {""}
        [one] {" "}(and { $count } message to be moved)
       *[other] {" "}(and { $count } messages to be moved)
    }:
plan-make = { $side }: make the folder "{ $folder }"
plan-rename = { $side }: rename the folder "{ $folder }" to "{ $to }"
plan-remove = { $side }: remove the folder "{ $folder }"
plan-subscribe = { $side }: subscribe to the folder "{ $folder }"
plan-unsubscribe = { $side }: unsubscribe from the folder "{ $folder }"
plan-missing = { $side }: the folder "{ $folder }" is missing; nothing is deleted for that yet
plan-folder = FOLDER
plan-to-target = TO TARGET
plan-to-source = TO SOURCE
plan-marks-target = FLAGS ON TARGET
plan-marks-source = FLAGS ON SOURCE
plan-deletes-target = DELETE ON TARGET
plan-deletes-source = DELETE ON SOURCE

demo-start = Parom's demo: a simulated Microsoft Exchange and another mail and calendar server on this machine, a company that does not exist, real processes.
demo-company = { $accounts ->
        [one] { $accounts } mailbox
       *[other] { $accounts } mailboxes
    } with { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    } ({ $bytes }) on the source, an Exchange { $year } at { $source } with Russian folder names; one service account opens them all. The target at { $target } is empty.
demo-copy = 1. The first copy, with a throttle in the middle
demo-throttled = When { $messages ->
        [one] { $messages } message was
       *[other] { $messages } messages were
    } on the target, the Exchange throttled the service account for { $wait }, and turned away { $count ->
        [one] { $count } command
       *[other] { $count } commands
    }. Parom waited as it was told and went on.
demo-not-throttled = Parom was done before it could be throttled.
demo-copied = On the target now: { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    } ({ $bytes }), after { $elapsed }.
demo-same = Compared without Parom: { $messages ->
        [one] { $messages } message is
       *[other] { $messages } messages are
    } the same on both servers, each exactly once{ $unshown ->
        [0] {""}
        [one] {"; "}{ $unshown } message more is on the Exchange, which cannot show it to any IMAP client
       *[other] {"; "}{ $unshown } messages more are on the Exchange, which cannot show them to any IMAP client
    }.
demo-different = Compared without Parom: { $count ->
        [one] { $count } difference
       *[other] { $count } differences
    }; the same on both servers: { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    }; on the Exchange alone, which cannot show them: { $unshown }.
demo-parked = That message is parked and named, and stops no other ("parom parked"):
demo-crossing = 2. People work on both sides
demo-edit-arrival = { $side }, { $account }: new mail arrives
demo-edit-flag = { $side }, { $account }: a message is flagged
demo-edit-move = { $side }, { $account }: a message is moved into a new folder
demo-edit-delete = { $side }, { $account }: a message is deleted
demo-edit-folder = { $side }, { $account }: a folder is made
demo-crossed = Crossed: { $edit }
demo-not-crossed = NOT crossed: { $edit }
demo-kill = 3. Parom is killed in the middle of a message
demo-more = { $messages ->
        [one] { $messages } new message
       *[other] { $messages } new messages
    } on the source.
demo-killed = Killed (SIGKILL) half-way; the target holds { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    }. It is started again:
demo-not-killed = Parom was done before it could be killed.
demo-verify = 4. Parom's own comparison, and a run with nothing to do
demo-idle = The run with nothing to do wrote nothing on either server.
demo-not-idle = The run with nothing to do wrote something!
demo-calendars = 5. Calendars cross too
demo-planned = { $accounts ->
        [one] { $accounts } of the ten has a calendar
       *[other] { $accounts } of the ten have calendars
    } on the Exchange ({ $source }): { $events ->
        [one] { $events } event
       *[other] { $events } events
    }, of which { $series ->
        [one] { $series } is a series
       *[other] { $series } are series
    } with moved and deleted occurrences, and { $invited ->
        [one] { $invited } participant
       *[other] { $invited } participants
    }. The target speaks CalDAV ({ $target }) and would invite them all once more, if it were not told to be silent.
demo-events-same = Compared without Parom: { $events ->
        [one] { $events } event has
       *[other] { $events } events have
    } the same title, place, time, participants and exceptions on both servers.
demo-events-different = Compared without Parom: { $count ->
        [one] { $count } event differs
       *[other] { $count } events differ
    }; the same on both servers: { $events }.
demo-event-room = { $side }, { $account }: "{ $title }" gets another room
demo-event-skip = { $side }, { $account }: one occurrence of "{ $title }" is deleted
demo-event-new = { $side }, { $account }: "{ $title }" is planned
demo-event-later = { $side }, { $account }: "{ $title }" is put off by two hours
demo-event-move-one = { $side }, { $account }: one occurrence of "{ $title }" is moved to the evening
demo-event-delete = { $side }, { $account }: "{ $title }" is deleted
demo-event-both = both sides at once, { $account }: "{ $title }" gets another room here and another title there
demo-nobody-written-to = Nobody was written to: the traps for invitations, changes and cancellations of both servers are empty, although { $invited ->
        [one] { $invited } participant is
       *[other] { $invited } participants are
    } in the events that were carried and changed.
demo-written-to = { $count ->
        [one] { $count } message
       *[other] { $count } messages
    } went out to participants! There are { $invited } of them.
demo-good = Everything is as it must be: { $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    } and { $events ->
        [one] { $events } event
       *[other] { $events } events
    } on the target. The demo took { $elapsed }.
demo-bad = Something is NOT as it must be, see above ({ $messages ->
        [one] { $messages } message
       *[other] { $messages } messages
    } and { $events ->
        [one] { $events } event
       *[other] { $events } events
    } on the target). The demo took { $elapsed }.
demo-kept = The servers go on running until Ctrl-C. Any mail or calendar client can sign in, without encryption:
        Exchange: { $source }
        Target:   { $target }
        CalDAV:   { $caldav }
        EWS:      { $ews }
        Name:     { $name }, with the password { $password } on both; the other nine in the same way
    And Parom, in another window:
    {"    "}{ $parom } status
    {"    "}{ $parom } sync --all --watch
    {"    "}{ $parom } parked
    {"    "}{ $parom } verify { $account }
demo-failed = The demo cannot go on: { $detail }.
    .fix = Check that this machine allows connections to itself and has room in its folder for temporary files.

## parom oof copy

oof-nothing = { $account }: no automatic reply on the source, nothing to do
oof-known-only = { $account }: the reply is for outside senders in the contacts only, whom Sieve does not know; nothing is carried ("known_senders")
oof-same = { $account }: the automatic reply is on the target as it should be
oof-written = { $account }: the automatic reply is on the target now
oof-would-write = { $account }: this automatic reply would be put on the target
oof-removed = { $account }: there is no automatic reply any more; Parom's script is removed from the target
oof-would-remove = { $account }: there is no automatic reply any more; Parom's script would be removed from the target
oof-interrupted = { $account }: stopped before the end
oof-period = from { $from } to { $until }
oof-beside = The owner's own script "{ $name }" goes on beside it, and is not changed.
oof-again = The owner's own script "{ $name }" is the active one.
oof-known-nobody = On the source outside senders get a reply only if they are in the contacts, which Sieve does not know: on the target no outside sender does ("known_senders").
oof-known-everybody = On the source outside senders get a reply only if they are in the contacts, which Sieve does not know: on the target every outside sender does ("known_senders").
