# Что пошло не так: по сообщению на каждый код — что случилось, причина, что делать, команда.

label-why = Причина:
label-fix = Что делать:
label-command = Команда:

## Соединение и вход

error-host-not-found = Сервер { $host } не найден: у этого имени нет адреса.
    .why = Имя написано с ошибкой или неизвестно службе DNS этой машины.
    .fix = Проверьте «host» в конфигурации и настройки DNS на этой машине.
    .command = getent hosts { $host }
error-cannot-connect = Не удаётся соединиться с { $host }, порт { $port }: { $detail }.
    .why = Сервер не работает, соединение закрывает межсетевой экран, или порт указан неверно.
    .fix = Проверьте «host» и «port» в конфигурации и доступность сервера с этой машины.
    .command = openssl s_client -connect { $host }:{ $port }
error-host-not-allowed = Соединяться с { $host } запрещено.
    .why = В списке «allow_hosts» конфигурации этого сервера нет.
    .fix = Если сервер верный, добавьте его в «allow_hosts»; без этого ключа разрешены ровно те серверы, что указаны в конфигурации.
    .command = parom sync --all
error-no-tls = Сервер { $host }, порт { $port }, не предлагает шифрования.
    .why = Сервер не поддерживает STARTTLS, или на этом порту нет TLS.
    .fix = Укажите «tls» = "implicit" с портом 993 или "starttls" с портом 143; при "none" пароли передаются открыто.
    .command = openssl s_client -connect { $host }:{ $port } -starttls imap
error-tls-failed = Не удалось установить защищённое соединение с { $host }, порт { $port }: { $detail }.
    .why = Стороны не договорились о версии или шифре, или на этом порту не TLS.
    .fix = Проверьте «port» и «tls»; для старого Exchange укажите «tls_policy» = "legacy".
    .command = openssl s_client -connect { $host }:{ $port }
error-certificate-refused = Сертификат сервера { $host }, порт { $port }, не заслуживает доверия: { $detail }.
    .why = Срок сертификата истёк, он выдан на другое имя, или его издатель здесь неизвестен.
    .fix = Обновите сертификат либо укажите в «trust» файл УЦ издателя или "pin:" и SHA-256 сертификата.
    .command = openssl s_client -connect { $host }:{ $port } -showcerts
error-sign-in-held = Вход на { $host } как { $login } не выполняется: сервер отказал с этим паролем { $since_ms } назад ({ $answer }).
    .why = После нескольких отказов серверы блокируют учётную запись, поэтому один и тот же пароль пробуется раз в час.
    .fix = Задайте верный пароль. Если исправлено что-то на сервере, включите учётную запись снова, и пароль будет опробован сразу.
    .command = { $credential ->
        [secret] parom secret set { $name }
       *[account] parom account on { $account }
    }
error-sign-in-refused = Не удалось войти на { $host } как { $login }: сервер отказал ({ $answer }).
    .why = { $service ->
        [ews] Неверен или истёк пароль (токен), логин нужен в другом виде, или сервер требует другого способа входа. Попытка была одна; в течение часа Parom её не повторит, чтобы сервер не заблокировал учётную запись.
        [caldav] Неверен пароль, или логин нужен в другом виде. Попытка была одна; в течение часа Parom её не повторит, чтобы сервер не заблокировал учётную запись.
       *[imap] Неверен пароль, логин нужен в другом виде, или для этого ящика отключён IMAP. Попытка была одна; в течение часа «parom sync» её не повторит, чтобы сервер не заблокировал учётную запись.
    }
    .fix = { $service ->
        [ews] Задайте пароль (или токен) заново и проверьте «login» и «auth» в [domain.source.ews].
        [caldav] Задайте пароль заново и проверьте «login» в [domain.target.caldav].
       *[imap] Задайте пароль заново и проверьте «login» в конфигурации.
    }
    .command = { $credential ->
        [secret] parom secret set { $name }
       *[account] parom account add { $account } --source-password-file ФАЙЛ --target-password-file ФАЙЛ
    }
error-no-mechanism = Сервер { $host } не предлагает подходящего способа входа ({ $mechanism }).
    .why = { $service ->
        [ews] В веб-службы Exchange сервер пускает другими способами: например, по Kerberos или по токену.
       *[imap] Сервер разрешает вход только другими механизмами SASL или только через TLS.
    }
    .fix = { $service ->
        [ews] Включите на Exchange для каталога EWS вход Basic или NTLM либо укажите auth = "oauth2" и токен вместо пароля.
       *[imap] Укажите в «sasl» механизм, который сервер предлагает, а в «tls» — "implicit" или "starttls".
    }
    .command = { $service ->
        [ews] Get-WebServicesVirtualDirectory | fl Server, *Authentication*
       *[imap] openssl s_client -connect { $host }:993
    }
error-ntlm-left-out = Сервер { $host } принимает только вход по NTLM, а эта программа собрана без NTLM.
    .why = Все другие способы входа на сервере отключены или разрешены только через TLS.
    .fix = { $service ->
        [ews] Соберите программу с NTLM, или пусть администратор Exchange включит Basic для каталога EWS.
       *[imap] Укажите в «tls» "implicit" или "starttls"; если не поможет, соберите программу с NTLM.
    }
    .command = cargo build --release --package parom-app --features ntlm
error-ntlm-own-mailbox = Не удалось войти на { $host } как { $login } по NTLM: так открывается только собственный ящик входящего.
    .why = { $service ->
        [ews] В логине, кроме входящего, назван ещё и ящик. Чей календарь нужен, здесь говорит «act_for».
       *[imap] В логине, кроме входящего, назван ещё и ящик. Формы вроде DOMAIN/служебная/alias есть только у LOGIN и PLAIN.
    }
    .fix = { $service ->
        [ews] Укажите в «login» в [domain.source.ews] ДОМЕН\имя или адрес.
       *[imap] Укажите sasl = "auto" или пусть каждый входит под своим логином и паролем.
    }
    .command = { $service ->
        [ews] parom calendar status { $account }
       *[imap] parom login find { $account } --service-account ИМЯ
    }
error-same-mailbox = Исходный и целевой ящик пользователя { $account } — один и тот же: { $login } на { $host }. Ничего не сделано.
    .why = При синхронизации ящика с самим собой каждое письмо удвоилось бы.
    .fix = Исправьте «host», «port» или «login» одной из сторон.
    .command = parom account list
error-other-mailbox = Логин этого пользователя открывает в { $side ->
        [source] исходной
       *[target] целевой
    } системе не тот ящик, что раньше. Ничего не изменено.
    .why = Логин передан другому человеку, или ящик заменён.
    .fix = Проверьте логин пользователя. Если новый ящик верный, снимите предохранитель.
    .command = parom brakes release { $account }
error-connection-lost = Соединение с { $host } прервалось: { $detail }.
    .why = Его закрыл сервер или сеть.
    .fix = Ничего: следующий проход продолжит с этого места. Если это повторяется, смотрите журнал сервера.
    .command = parom sync --account { $account }
error-timed-out = Сервер { $host } не ответил на { $command } за { $seconds }.
    .why = Сервер перегружен, или сеть теряет пакеты.
    .fix = Ничего: следующий проход попробует снова. Если сервер всегда медленный, увеличьте «answer_timeout_s».
    .command = parom sync --account { $account }
error-protocol-error = Сервер { $host } нарушает протокол IMAP: { $detail }.
    .why = На этом порту другая служба, что-то по пути меняет данные, или в сервере ошибка.
    .fix = Проверьте «host», «port» и «tls». Иначе отключите расширение в «extensions» и сообщите нам версию сервера.
    .command = openssl s_client -connect { $host }:993
error-throttled = Сервер { $host } просит подождать { $backoff_ms }.
    .why = Сервер ограничивает нагрузку от одного клиента.
    .fix = Ничего: паром ждёт. Чтобы нагружать меньше, уменьшите «max_connections».
    .command = parom status
error-server-unavailable = Сервер { $host } сейчас недоступен: { $answer }.
    .why = Так говорит сам сервер: идёт обслуживание, или не хватает ресурсов.
    .fix = Ничего: паром повторит попытку. Если это надолго, смотрите журнал сервера.
    .command = parom status

## Папки

error-folder-cannot-open = Папку «{ $folder }» на { $host } не удаётся открыть: { $answer }.
    .why = Нет права читать её, или она повреждена на сервере. Ни на одной стороне в ней ничего не изменено.
    .fix = Исправьте папку или права на сервере либо внесите её в «exclude_folders».
    .command = parom sync --account { $account }
error-folder-gone = Папка «{ $folder }» на { $host } исчезла во время работы с ней.
    .why = В этот момент её переименовали или удалили.
    .fix = Ничего: следующий проход увидит, что с ней стало.
    .command = parom sync --account { $account }
error-uidvalidity-changed = Сервер { $host } заново пронумеровал папку «{ $folder }» (изменилось UIDVALIDITY).
    .why = Сервер перестроил папку, или её восстановили из копии.
    .fix = Ничего: следующий проход заново сопоставит все письма по содержанию. До этого ничего не удаляется.
    .command = parom sync --account { $account }
error-folder-refused = Сервер { $host } отказался изменить папку «{ $folder }»: { $answer }.
    .why = Такое имя там не разрешено, не хватает прав, или ограничено число папок.
    .fix = Переименуйте папку на другой стороне или увеличьте предел на сервере.
    .command = parom sync --account { $account }
error-listing-incomplete = Список писем папки «{ $folder }» на { $host } неполон: перечислено { $listed }, объявлено { $exists }. Списку не поверили.
    .why = Сервер пропустил письма; счесть их удалёнными — значит потерять почту.
    .fix = Ничего: следующий проход запросит список снова. Если это повторяется, восстановите индекс папки на сервере.
    .command = parom sync --account { $account }
error-hidden-folder-unreached = Папку «{ $folder }» не показывает IMAP, а EWS на { $host } её не отдаёт: { $answer }.
    .why = Папки с «/» в имени и всё, что в них вложено, Exchange скрывает от IMAP; их переносят через EWS. Ни на одной стороне в ней ничего не изменено, остальная почта переносится дальше.
    .fix = Проверьте, что EWS отвечает для этого пользователя ([domain.source.ews] в настройках), или переименуйте папку без «/».
    .command = parom sync --account { $account }
error-hidden-folder-unnumbered = Папка «{ $folder }» не переносится: IMAP её не показывает, а EWS на { $host } не даёт собственного номера { $count } из { $total } её писем.
    .why = Без номеров, какие были бы у IMAP (PidTagInternetArticleNumber), письма не узнать от прохода к проходу.
    .fix = Переименуйте папку без «/», и IMAP её покажет; или переложите письма в Outlook в другую папку и обратно.
    .command = parom sync --account { $account }

## Письма

error-message-refused = Сервер { $host } не принял письмо { $uid } в папку «{ $folder }»: { $answer }.
    .why = Сервер не берёт это письмо таким, какое оно есть, а паром писем не меняет. Письмо отложено.
    .fix = Измените правило на сервере (фильтр, размер, формат) и повторите.
    .command = parom parked --retry
error-message-too-large = Письмо { $uid } папки «{ $folder }» слишком велико для { $host }: { $bytes }, а принимается не более { $limit }.
    .why = Сервер ограничивает размер писем. Письмо отложено.
    .fix = Увеличьте предел на сервере (например, message_size_limit, APPENDLIMIT) и повторите.
    .command = parom parked --retry
error-message-substituted = Письмо { $uid } папки «{ $folder }» не перенесено: вместо него Exchange отдал другой текст.
    .why = Exchange не может преобразовать письмо в MIME; обычно это отмены встреч и повреждённые элементы.
    .fix = Укажите [domain.source.ews]: то, что не отдаёт IMAP, паром возьмёт через EWS. Если не помогло, откройте письмо в Outlook; когда оно будет исправлено там, запустите повтор.
    .command = parom parked --retry
error-message-unreadable = Письмо { $uid } папки «{ $folder }» не удаётся прочитать с { $host }: { $answer }.
    .why = Оно повреждено на сервере. Письмо отложено, остальное переносится дальше.
    .fix = Исправьте ящик на сервере и повторите.
    .command = parom parked --retry
error-quota-full = Ящик на { $host } переполнен: в папку «{ $folder }» больше ничего не помещается ({ $answer }).
    .why = Квота пользователя на этом сервере исчерпана.
    .fix = Увеличьте квоту; следующий проход продолжит с этого места.
    .command = parom sync --account { $account }
error-change-refused = Сервер { $host } отклонил изменение в папке «{ $folder }»: { $answer }.
    .why = Не хватает прав на папку, или сервер не хранит такой флаг.
    .fix = Проверьте права на папку.
    .command = parom sync --account { $account }
error-marks-withheld = В папке «{ $folder }» ({ $side }) сервер не даёт изменить флаги: { $what }.
    .why = Не хватает прав на папку, или сейчас она открывается только для чтения.
    .fix = Ничего не потеряно: на другой стороне флаги сохраняются и будут перенесены, когда папка их примет. Дайте учётной записи право ставить флаги в этой папке.
    .command = parom sync --account { $account }
error-deletion-withheld = В папке «{ $folder }» ({ $side }) сервер не даёт удалять письма; осталось: { $count }.
    .why = У учётной записи нет права удалять в этой папке, а сервер молча ничего не делает.
    .fix = Дайте учётной записи право удалять и очищать в этой папке; удаление выполнится само.
    .command = parom sync --account { $account }
error-others-marked-deleted = В папке «{ $folder }» на { $host } ничего не удаляется: там есть письма, которые другая программа пометила как удалённые.
    .why = У сервера нет UIDPLUS: вместе с нашим удалением исчезли бы и эти письма.
    .fix = Пусть пользователь очистит или восстановит помеченные письма в своей почтовой программе; удаление выполнится само.
    .command = parom sync --account { $account }

## Состояние

error-event-changed = Событие { $uid } в календаре «{ $what }» на { $host } кто-то изменил во время записи.
    .why = В календаре в это же время работают.
    .fix = Делать ничего не нужно: следующий проход объединит обе версии.
    .command = parom calendar status
error-event-exists = В календаре «{ $what }» на { $host } уже есть событие с UID { $uid }.
    .why = Событие попало туда другим путём, например с приглашением.
    .fix = Делать ничего не нужно: следующий проход свяжет их.
    .command = parom calendar status
error-event-unfit = Событие { $uid } из календаря «{ $what }» нельзя перенести на { $host } без изменений: { $detail }.
    .why = В другой системе это невозможно выразить.
    .fix = Измените событие так, чтобы его могли хранить обе системы; остальной календарь переносится.
    .command = parom parked
error-event-refused = Сервер { $host } не принял событие { $uid } в календарь «{ $what }»: { $answer }.
    .why = Сервер не принимает событие в таком виде.
    .fix = Исправьте событие там, откуда оно переносится; остальной календарь переносится.
    .command = parom parked
error-event-too-large = Событие { $uid } в календаре «{ $what }» занимает { $bytes }, а { $host } принимает не больше { $limit }.
    .why = Вложения делают событие больше, чем разрешает сервер.
    .fix = Увеличьте ограничение на сервере или уберите вложения из события.
    .command = parom parked
error-event-too-large-without-limit = Событие { $uid } в календаре «{ $what }» занимает { $bytes }: это больше, чем принимает { $host }.
    .why = Вложения делают событие больше, чем разрешает сервер; сколько он разрешает, он не сообщает.
    .fix = Увеличьте ограничение на сервере или уберите вложения из события.
    .command = parom parked
error-event-too-large-without-bytes = Событие { $uid } в календаре «{ $what }» занимает больше { $limit }; такие большие события не переносятся.
    .why = Вложения делают событие больше всего, что принимает Exchange.
    .fix = Уберите вложения из события; остальной календарь переносится.
    .command = parom parked
error-event-unreadable = Сервер { $host } не отдаёт событие { $uid } из календаря «{ $what }»: { $answer }.
    .why = Событие на сервере повреждено.
    .fix = Откройте и сохраните его там или удалите; остальной календарь переносится.
    .command = parom parked
error-event-doubled = В календаре «{ $what }» несколько событий с UID { $uid }; переносится одно из них.
    .why = Такие копии оставляют телефоны и старые программы; другая система хранит событие с этим UID один раз.
    .fix = Удалите лишнюю копию или создайте её заново как новое событие.
    .command = parom parked
error-event-restless = Событие { $uid } в календаре «{ $what }» меняется после каждой записи; оно оставлено в покое на десять минут.
    .why = Сервер или другая программа переписывает то, что записано.
    .fix = Найдите, кто ещё меняет это событие. Перенос повторится сам.
    .command = parom parked
error-calendars-not-configured = Для календарей пользователя { $account } ничего не настроено.
    .why = В { $path } не указаны серверы календарей этого домена.
    .fix = Добавьте [domain.source.ews] и [domain.target.caldav]: «parom init» запишет оба раздела с пояснениями в новый файл.
    .command = parom --config new.toml init
error-calendar-gone = Календаря «{ $what }» на { $host } больше нет.
    .why = Кто-то удалил или переименовал его.
    .fix = На другой стороне ничего из-за этого не удаляется. Проверьте, должен ли календарь существовать.
    .command = parom calendar status
error-calendar-refused = Сервер { $host } не открывает календарь «{ $what }»: { $answer }.
    .why = Не хватает прав на календарь, или на сервере неисправность.
    .fix = Проверьте права на календарь.
    .command = parom calendar status
error-calendar-incomplete = Календарь «{ $what }» ({ $side }) показывает пустой список, но события из него по отдельности читаются.
    .why = Список на сервере неполон: повреждён индекс, либо календарь восстанавливают или переносят.
    .fix = Из-за этого ничего не удаляется. Проверьте календарь в почтовом клиенте и перестройте индекс на сервере; дальше Parom продолжит сам.
    .command = parom calendar status
error-calendar-unpaired = Событие ждёт: у его календаря «{ $what }» нет пары ({ $side }), и создать её там нельзя.
    .why = Сервер не даёт создавать календари — никому или этому пользователю.
    .fix = Создайте там календарь с таким именем вручную или задайте several = "first-with-category"; событие перенесётся само.
    .command = parom calendar status
error-impersonation-denied = Служебной записи нельзя действовать от имени { $login } на { $host }: { $answer }.
    .why = Нет роли ApplicationImpersonation, или её область не включает этот ящик.
    .fix = В Exchange: New-ManagementRoleAssignment -Name Parom -Role ApplicationImpersonation -User <служебная запись>
    .command = parom calendar status
error-mailbox-missing = На { $host } нет ящика или календаря пользователя { $login } ({ $answer }).
    .why = Адрес не основной, ящик перемещён, или владелец ни разу не входил.
    .fix = Проверьте логин пользователя на этой стороне; в новой системе пусть владелец один раз войдёт и откроет календарь.
    .command = parom account list
error-answer-unexpected = Ответ сервера { $host } не похож на ожидаемый протокол: { $answer }.
    .why = По этому адресу отвечает что-то другое: прокси, страница входа, другая служба.
    .fix = Проверьте адрес в конфигурации.
    .command = parom calendar status
error-sieve-not-configured = Автоответ { $account } не перенесён: сервер ManageSieve не указан.
    .why = В { $path } для этого домена нет раздела [domain.target.sieve].
    .fix = Если в целевой системе есть ManageSieve, добавьте раздел; «parom init» запишет его с пояснениями в новый файл. Иначе пусть владелец включит автоответ там сам.
    .command = parom --config new.toml init
error-sieve-extension-missing = { $host } не сможет дать автоответ { $account }: его Sieve не знает «{ $what }».
    .why = Без этого расширения Sieve автоответ не выразить таким, каков он в Exchange. Ничего не изменено.
    .fix = Включите расширение на сервере (в Dovecot — sieve_extensions) и запустите снова.
    .command = parom oof copy { $account }
error-sieve-script-in-the-way = У { $account } на { $host } есть собственный сценарий Sieve «{ $name }», он остаётся действующим. Автоответ не перенесён.
    .why = Сервер выполняет один сценарий и не может выполнить рядом второй: у него нет расширения «include».
    .fix = Включите «include» на сервере, либо пусть владелец допишет автоответ в «{ $name }» или отключит этот сценарий; затем запустите снова.
    .command = parom oof copy { $account }
error-sieve-script-answers = У { $account } на { $host } есть собственный сценарий Sieve «{ $name }», в нём используется «{ $what }». Он остаётся как есть, автоответ не перенесён.
    .why = На письмо можно ответить один раз, и нельзя одновременно ответить и отклонить: второе правило сломало бы весь сценарий.
    .fix = Ничего, если владелец уже включил там автоответ. Иначе пусть он уберёт это правило; затем запустите снова.
    .command = parom oof copy { $account }
error-sieve-name-taken = У { $account } на { $host } есть сценарий Sieve с именем «{ $name }», и он не от парома. Он остаётся как есть, автоответ не перенесён.
    .why = Паром записывает автоответ в сценарий с этим именем и чужого не перезаписывает.
    .fix = Пусть владелец переименует тот сценарий; затем запустите снова.
    .command = parom oof copy { $account }
error-sieve-script-refused = { $host } не принял сценарий с автоответом { $account }: { $answer }.
    .why = Такой сценарий или такой размер там запрещены, либо исчерпана квота на сценарии.
    .fix = Посмотрите на сценарий и поднимите предел на сервере (в Dovecot — sieve_quota_max_storage, sieve_max_script_size).
    .command = parom oof copy { $account } --dry-run
error-state-unavailable = Файл состояния { $path } недоступен: { $detail }.
    .why = Каталога нет, не хватает прав, или неисправен диск.
    .fix = Проверьте, что каталог существует и этот пользователь может в него писать.
    .command = ls -l { $path }
error-state-full = Для файла состояния { $path } не осталось места.
    .why = Диск заполнен. Ничего не потеряно: начатое завершит следующий запуск.
    .fix = Освободите место на этом диске и запустите снова.
    .command = df -h
error-state-locked = Файл состояния { $path } занят другим процессом парома (PID { $pid }).
    .why = Два процесса не должны переносить одну и ту же почту одновременно.
    .fix = Дождитесь завершения того процесса или остановите его.
    .command = ps -fp { $pid }
error-state-newer = Файл состояния { $path } записан более новой версией парома (формат { $found }, эта программа знает { $known }).
    .why = Старая программа может прочитать его неверно.
    .fix = Запустите новую программу. Ничего не изменено.
    .command = parom --version
error-state-damaged = Файл состояния { $path } повреждён: { $detail }.
    .why = Файл изменён, или отказал диск.
    .fix = Восстановите его из копии; либо уберите его и добавьте пользователей заново: следующий проход сопоставит всё одинаковое и ничего не скопирует дважды.
    .command = parom init
error-lease-lost = Работу с пользователем { $account } взял на себя другой процесс парома.
    .why = Этот процесс вовремя не продлил аренду, например потому, что машина спала.
    .fix = Ничего: работу продолжает тот, у кого аренда.
    .command = parom status
error-secret-missing = Секрет «{ $name }» не задан.
    .why = Он назван в конфигурации, но под этим именем ничего не сохранено.
    .fix = Задайте его; значение при вводе не показывается.
    .command = parom secret set { $name }
error-secret-unreadable = Запечатанные секреты не открываются ключом { $path }: { $detail }.
    .why = Файла ключа нет, его нельзя прочитать, или он от другого состояния.
    .fix = Верните верный файл ключа; без него все пароли придётся задать заново.
    .command = parom secret list
error-account-unknown = Пользователя { $account } нет.
    .why = Он не добавлен, или адрес написан с ошибкой.
    .fix = Посмотрите список пользователей или добавьте его.
    .command = parom account list
error-account-domain-missing = Домена адреса { $account } нет в { $path }.
    .why = Он был там, когда пользователя добавляли. В конфигурации сейчас: { $known }.
    .fix = Верните раздел [[domain]] или удалите пользователя.
    .command = parom account remove { $account }
error-account-password-missing = У пользователя { $account } нет своего пароля { $side ->
        [source] к исходной
       *[other] к целевой
    } системе.
    .why = В конфигурации сказано, что пароль у каждого свой.
    .fix = Передайте его в файле или используйте служебную учётную запись («password» в конфигурации).
    .command = parom account add { $account } --{ $side }-password-file ФАЙЛ
error-account-service-login-missing = Не указана служебная учётная запись, от имени которой открывать ящик { $account } { $side ->
        [source] в исходной
       *[other] в целевой
    } системе.
    .why = В «login» есть место для служебной учётной записи, но ни конфигурация, ни запись пользователя её не называют.
    .fix = Укажите «service_login» в конфигурации или загрузите пользователя с collector_username и collector_password.
    .command = parom import ФАЙЛ

## Предохранители

error-braked = Сработал предохранитель: { $brake }.
    .why = Это похоже на сбой, а не на работу человека, поэтому ничего не сделано.
    .fix = Посмотрите, что на обеих сторонах; если так и задумано, снимите предохранитель.
    .command = parom brakes
error-receipts-held = Отложено: { $brake }.
    .why = Exchange отправляет уведомление, когда непрочитанное письмо помечается прочитанным или удаляется по IMAP. Поэтому эти письма ждут как есть, остальные переносятся.
    .fix = Пусть администратор Exchange выполнит «Set-CASMailbox { $account } -ImapUseProtocolDefaults $false -ImapSuppressReadReceipt $true», затем задайте в конфигурации read_receipts = "suppressed". Если уведомления можно отправить, снимите тормоз.
    .command = parom brakes
error-cancelled = Работа остановлена раньше, чем закончена.
    .why = Её прервали Ctrl-C или сигналом.
    .fix = Ничего: начатое завершит следующий запуск.
    .command = parom sync --all
error-internal = Внутренняя ошибка парома: { $detail }.
    .why = Так быть не должно; ничего не потеряно, потому что каждое действие записывается до его выполнения.
    .fix = Запустите снова; если повторится, пришлите нам эту строку вместе с журналом.
    .command = parom -v sync --all

# Почему событие нельзя перенести как есть: конец предложения.
unfit-not-utf8 = его текст не в UTF-8
unfit-not-icalendar = это не календарь
unfit-broken-line = строка в нём повреждена
unfit-broken-structure = его текст обрывается или повреждён
unfit-other-scale = оно записано не по григорианскому календарю
unfit-no-event = в нём нет события
unfit-not-an-event = это не событие, а задача или что-то иное
unfit-scheduling-message = это сообщение о встрече, а не событие
unfit-several-objects = в нём несколько событий
unfit-no-uid = у него нет UID
unfit-no-start = у него нет начала
unfit-two-masters = оно дважды записано в одном тексте
unfit-twice-the-same-occurrence = одно повторение записано дважды
unfit-bad-time = в нём есть время, которого не бывает
unfit-bad-duration = его длительность непонятна
unfit-mixed-types = в нём смешаны даты и время
unfit-end-before-start = оно кончается раньше, чем начинается
unfit-unknown-zone = его часовой пояс никому не известен
unfit-bad-zone = описание его часового пояса непонятно
unfit-bad-rule = правило его повторения непонятно
unfit-rule-extension = правило его повторения использует расширение, которого нет в Exchange
unfit-several-rules = у него несколько правил повторения
unfit-exclusion-rule = повторения исключены в нём отдельным правилом
unfit-period-dates = у него есть дополнительные даты со своей длительностью
unfit-this-and-future = одно из повторений изменено вместе со всеми следующими
unfit-series-too-many = для этой серии в Exchange нет правила, и отдельных событий вышло бы слишком много
unfit-series-outside-window = для этой серии в Exchange нет правила
unfit-series-out-of-range = серия начинается раньше апреля 1601 года или кончается позже августа 4500 года
unfit-series-apart = для этой серии в Exchange нет правила: часть повторений стала бы отдельными событиями
unfit-stray-exception = исключение относится к повторению, которого в серии нет
unfit-exception-crossing = повторение перенесено дальше соседнего или на тот же день
unfit-no-occurrence = ни одно из повторений не состоится
unfit-instances-only = есть отдельные повторения без серии
unfit-zone-unknown-to-windows = в Windows нет часового пояса этой серии
unfit-out-of-range = оно раньше апреля 1601 года или позже августа 4500 года
unfit-too-long = оно длиннее пяти лет
unfit-too-much-beside = в нём больше сведений, неизвестных Exchange, чем там помещается
unfit-server-would-write = сервер написал бы участникам
unfit-category-of-calendar = одна из его категорий отнесла бы его к другому календарю
unfit-categories-are-dropped = сервер отбрасывает категории, и ничто не говорило бы, к какому календарю оно относится
