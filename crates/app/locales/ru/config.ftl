# Ошибки в конфигурации и пояснение каждого ключа.

## Ошибки

config-missing = Файла конфигурации { $file } нет.
    .fix = Создайте его или укажите другой через --config или PAROM_CONFIG.
    .command = parom init
config-unreadable = Не удаётся прочитать файл конфигурации { $file }: { $detail }.
    .fix = Проверьте права на файл и то, что это текст в UTF-8.
config-syntax = { $file }, строка { $line }: это не TOML: { $detail }.
    .fix = Проверьте в этой строке кавычки, скобки и знак равенства.
config-unknown-key = { $file }, строка { $line }: ключа «{ $key }» нет ({ $section }).
    .fix = Здесь бывают ключи { $known }.
config-unknown-key-near = { $file }, строка { $line }: ключа «{ $key }» нет ({ $section }).
    .fix = Может быть, вы имели в виду «{ $near }»?
config-missing-key = { $file }, строка { $line }: не хватает ключа «{ $key }» ({ $section }).
    .fix = Добавьте его, например: { $key } = { $example }
config-wrong-type = { $file }, строка { $line }: для ключа «{ $key }» ({ $section }) нужно значение другого вида: { $wanted }, а указано: { $found }.
config-not-array = { $file }, строка { $line }: { $key } пишется в двойных скобках, потому что таких разделов может быть несколько.
    .fix = Напишите [[{ $key }]].
config-bad-choice = { $file }, строка { $line }: значение «{ $key }» ({ $section }) — { $allowed }, а указано "{ $found }".
config-out-of-range = { $file }, строка { $line }: значение «{ $key }» ({ $section }) должно быть от { $min } до { $max }, а указано { $found }.
config-template-near = { $file }, строка { $line }: в «{ $key }» ({ $section }) неизвестная переменная «{ $variable }».
    .fix = Может быть, вы имели в виду «{ $near }»?
config-template-unknown = { $file }, строка { $line }: в «{ $key }» ({ $section }) неизвестная переменная «{ $variable }».
    .fix = Переменные: { $allowed }.
config-template-brace = { $file }, строка { $line }: в «{ $key }» ({ $section }) фигурная скобка без пары: { $found }
    .fix = Закройте её или удвойте, если нужна сама скобка.
config-login-empty = { $file }, строка { $line }: ключ «{ $key }» ({ $section }) пуст.
    .fix = Напишите шаблон логина, например "{"{"}source_login{"}"}".
config-login-same = { $file }, строка { $line }: с таким «{ $key }» ({ $section }) все пользователи открывали бы один и тот же ящик.
    .fix = Добавьте в «login» или «authzid» переменную, например {"{"}{ $variable }{"}"}.
config-service-logins-password = { $file }, строка { $line }: каждой служебной учётной записи из «{ $key }» в { $section } нужен свой пароль.
    .fix = Напишите password = "secret:{"{"}service_login{"}"}" и запечатайте каждый пароль: «parom secret set ЛОГИН».
config-service-logins-template = { $file }, строка { $line }: «{ $key }» в { $section } не используется: ни в «login», ни в «authzid» нет {"{"}service_login{"}"}.
    .fix = Поставьте {"{"}service_login{"}"} туда, где должно стоять имя служебной учётной записи.
config-service-login-name = { $file }, строка { $line }: «{ $found }» в { $section } не может быть именем служебной учётной записи: под ним запечатан её пароль.
    .fix = Используйте буквы, цифры и - _ . @ \ /, не более 64 знаков.
config-night = { $file }, строка { $line }: «{ $found }» в { $section } — не время суток.
    .fix = Напишите, с какого часа по какой, например night = "22:00-06:00"
config-night-missing = { $file }, строка { $line }: «{ $key }» в { $section } никогда не действует: в «night» не сказано, когда ночь.
    .fix = Добавьте, например, night = "22:00-06:00"
config-service-logins-both = { $file }, строка { $line }: в { $section } есть и «service_login», и «{ $key }».
    .fix = Оставьте одно: «service_login» — для одной служебной учётной записи, «{ $key }» — для нескольких.
config-service-login-twice = { $file }, строка { $line }: служебная учётная запись { $found } указана в «{ $key }» в { $section } дважды.
config-password-no-service = { $file }, строка { $line }: «{ $key }» в { $section } — пароль служебной учётной записи, но там никакая не входит.
    .fix = Укажите её («service_login» или «service_logins») и поставьте {"{"}service_login{"}"} в «login» или «authzid».
config-ntlm-left-out = { $file }, строка { $line }: «{ $key }» ({ $section }) — "ntlm", а эта программа собрана без NTLM.
    .fix = Соберите её с NTLM или укажите sasl = "auto": через TLS Exchange принимает и PLAIN.
    .command = cargo build --release --package parom-app --features ntlm
config-ntlm-delegate = { $file }, строка { $line }: с «{ $key }» = "ntlm" ({ $section }) служебная учётная запись не может открывать чужие ящики.
    .fix = Пусть каждый входит под своим логином и паролем и без «authzid», или укажите sasl = "auto".
config-state-form = { $file }, строка { $line }: значение «{ $key }» — это "sqlite:" и имя файла, а указано "{ $found }".
config-state-postgres = { $file }, строка { $line }: эта версия хранит состояние только в SQLite.
    .fix = Напишите, например, state = "sqlite:parom.db"
config-no-domain = { $file }: нет ни одного раздела [[domain]], переносить нечего.
    .fix = Добавьте раздел с двумя сторонами; пример есть в новом файле, который создаёт «parom init».
config-domain-name = { $file }, строка { $line }: «{ $found }» — не имя почтового домена.
config-domain-twice = { $file }, строка { $line }: домен { $found } указан дважды.
config-host = { $file }, строка { $line }: «{ $found }» ({ $section }) — не имя сервера и не адрес.
    .fix = Напишите только имя, без протокола и порта.
config-trust = { $file }, строка { $line }: в «{ $key }» ({ $section }) назван файл УЦ { $path }, которого нет.
    .fix = Напишите "system", "insecure", "pin:" и SHA-256 или путь к существующему файлу.
config-pin = { $file }, строка { $line }: «{ $found }» ({ $section }) — не SHA-256 сертификата.
    .fix = Напишите "pin:" и 64 шестнадцатеричные цифры.
    .command = openssl x509 -in certificate.pem -noout -fingerprint -sha256
config-password = { $file }, строка { $line }: значение «{ $key }» ({ $section }) — "account" или "secret:" и имя. Паролям в этом файле не место.
    .fix = Запечатайте пароль и назовите его здесь: { $key } = "secret:service"
    .command = parom secret set service
config-secret-name = { $file }, строка { $line }: «{ $found }» ({ $section }) не может быть именем секрета.
    .fix = Используйте буквы, цифры, «-», «_» и «.», не более 64 знаков.
config-url = { $file }, строка { $line }: «{ $found }» ({ $section }) — не URL.
    .fix = Напишите его целиком, начиная с https://, без логина и пароля.
config-url-clear = { $file }, строка { $line }: «{ $found }» ({ $section }) — без TLS, пароли передавались бы открыто.
    .fix = Напишите https:// или, если вас это устраивает, добавьте tls = "none".
config-ews-ntlm-left-out = { $file }, строка { $line }: «{ $key }» ({ $section }) — "ntlm", а эта программа собрана без NTLM.
    .fix = Соберите её с NTLM или укажите auth = "auto" либо "basic".
    .command = cargo build --release --package parom-app --features ntlm
config-ews-ntlm-login = { $file }, строка { $line }: с «{ $key }» = "ntlm" ({ $section }) логин называет одну учётную запись: ДОМЕН\имя или имя@домен.
    .fix = Укажите «login» в таком виде, а в «act_for» — чей календарь открывается.
config-calendars-unreached = { $file }, строка { $line }: «{ $key }» ({ $section }) — "{ $found }", но календари переносятся, только если известны оба сервера.
    .fix = Добавьте [domain.source.ews] и [domain.target.caldav] или укажите mode = "off".
config-write-back-address = { $file }, строка { $line }: «{ $found }» в «{ $key }» ({ $section }) — не почтовый адрес.
    .fix = Пишите адреса целиком, например "name@corp.example".
config-write-back-unused = { $file }, строка { $line }: «{ $key }» ({ $section }) ни на что не влияет, потому что «write_back» — "all".
    .fix = Укажите write_back = "black" (всем, кроме этих) или "white" (никому, кроме этих) или уберите список.
config-several-category = { $file }, строка { $line }: «{ $key }» ({ $section }) не различает календари.
    .fix = Добавьте переменную: several_category = "Календарь: {"{"}name{"}"}".
config-act-for-same = { $file }, строка { $line }: с таким «{ $key }» ({ $section }) все пользователи открывали бы один и тот же ящик.
    .fix = Добавьте в него переменную, например act_for = "{"{"}address{"}"}".
config-home-same = { $file }, строка { $line }: с таким «{ $key }» ({ $section }) все пользователи открывали бы одни и те же календари.
    .fix = Добавьте в «login» переменную, например {"{"}target_login{"}"}, или укажите в «home», где чьи календари.
config-service-login-none = { $file }, строка { $line }: в «login» ({ $section }) есть {"{"}service_login{"}"}, а в «{ $key }» не сказано, что стоит на этом месте.
    .fix = Назовите служебную учётную запись, например service_login = "svc@corp.example"
config-service-login-unused = { $file }, строка { $line }: «{ $key }» ({ $section }) не используется: в «login» нет {"{"}service_login{"}"}.
    .fix = Поставьте {"{"}service_login{"}"} в «login» или уберите «{ $key }».

config-section-root = начало файла
config-type-text = текст в кавычках
config-type-whole = целое число
config-type-float = дробное число
config-type-boolean = true или false
config-type-date = дата
config-type-list = список в квадратных скобках
config-type-table = таблица

## Файл, который создаёт «parom init»

init-head =
    Конфигурация парома. Каждый ключ пояснён над ним; закомментированный ключ показывает значение,
    которое действует без него. Пути считаются от каталога этого файла. Неизвестные ключи не принимаются.
init-limits = Сколько делается одновременно и когда срабатывает предохранитель.
init-domain = Почтовый домен. Для каждого следующего повторите весь блок.
init-source = Исходная система (старая).
init-target = Целевая система (новая). Ключи те же, что в domain.source.imap.
init-calendars = Календари: из Exchange по EWS в целевую систему по CalDAV. Оба сервера указываются ниже.
init-ews =
    Где календари исходной системы. Чтобы переносить календари, уберите # перед заголовком в скобках, перед «url», «login» и
    всем, что отличается. Для служебной учётной записи с правом ApplicationImpersonation: login = "{"{"}service_login{"}"}",
    её имя в «service_login» и password = "secret:{"{"}service_login{"}"}".
init-caldav = Где календари целевой системы. Уберите # так же.
init-sieve = Где целевая система хранит сценарии Sieve: автоответы становятся одним из них («parom oof copy»). Уберите # так же.

## Ключи

doc-root-state =
    Где паром хранит то, что знает: файл SQLite.
    Если файл пропадёт, ничего не будет ни скопировано дважды, ни удалено.
doc-root-master_key =
    Файл с ключом, которым открываются запечатанные пароли. Держите его копию в надёжном месте.
    Без этого ключа конфигурации: рядом с файлом состояния, с расширением «.key».
doc-root-allow_hosts =
    Серверы, с которыми парому разрешено соединяться; с остальными — запрещено.
    Без этого ключа: ровно те серверы, что указаны ниже.
doc-limits-accounts_at_once = Сколько пользователей обрабатывается одновременно.
doc-limits-connections_per_account = Сколько соединений один пользователь может держать с каждой стороной.
doc-limits-body_budget_mb = Сколько мегабайт писем может быть в памяти сразу, на всех пользователей вместе.
doc-limits-brake_deletions =
    Предохранитель по объёму: если необратимых удалений у пользователя за день больше этого числа и больше
    brake_percent от числа писем, они удерживаются, пока вы их не разрешите («parom brakes»).
doc-limits-brake_percent = См. brake_deletions.
doc-limits-look_every_s = При «parom sync --watch»: через сколько секунд пользователя смотрят снова.
doc-domain-name = Часть адреса после @.
doc-domain-mode =
    "two-way": что сделано на одной стороне, происходит и на другой.
    "to-target": только из исходной системы в целевую; в исходной ничего не меняется.
doc-domain-home = Сторона, где люди работают сейчас. Если одно письмо переместили по-разному, верх берёт она.
doc-domain-deletions =
    Что делать с копией удалённого письма: "trash" — переместить там в корзину (если корзины нет —
    удалить совсем), "expunge" — удалить совсем, "never" — оставить.
doc-domain-grace_s =
    Сколько секунд должно пройти между двумя полными списками без письма, чтобы счесть его удалённым
    (если об удалении не сказал сам сервер).
doc-domain-exclude_folders =
    Папки, которые не переносятся: роли (inbox, sent, drafts, trash, junk, archive, outbox, contacts,
    calendar, tasks, journal, notes, sync-issues, rss) или имена.
doc-imap-host = Имя или адрес сервера IMAP.
doc-imap-port = Без этого ключа: 993 при "implicit", иначе 143.
doc-imap-tls =
    "implicit": TLS с первого байта; "starttls": TLS после команды;
    "none": без шифрования, в том числе паролей; только для локальных соединений.
doc-imap-tls_policy =
    "modern": TLS 1.2 и новее, надёжные шифры. Только для старых серверов (Exchange 2010 и 2013), само не выбирается никогда:
    "legacy" (TLS 1.0 и новее, любые шифры), "legacy-1.1", "legacy-1.2" (TLS 1.2 со старыми шифрами). О каждом случае
    предупреждается.
doc-imap-trust =
    Какому сертификату верить: "system", путь к файлу УЦ, "pin:<SHA-256 сертификата>"
    или "insecure": любому, чем может воспользоваться всякий на пути.
doc-imap-login =
    Шаблон логина. Переменные: {"{"}source_login{"}"}, {"{"}target_login{"}"}, {"{"}service_login{"}"}, {"{"}address{"}"},
    {"{"}local{"}"}, {"{"}domain{"}"}.
    Со служебной учётной записью, например, "CORP/svc/{"{"}source_login{"}"}" или "{"{"}target_login{"}"}*svc".
doc-imap-service_login =
    Что стоит на месте {"{"}service_login{"}"}: служебная учётная запись, как её пишет сервер. Пользователь, у которого в таблице
    «parom import» есть collector_username, использует её и её collector_password.
doc-imap-service_logins =
    Несколько служебных учётных записей, которые делят работу: {"{"}service_login{"}"} — одна из них. Если сервер отказал одной или попросил
    её подождать, её ящики берёт следующая. У каждой свой пароль: password = "secret:{"{"}service_login{"}"}".
doc-imap-authzid =
    Шаблон authzid для SASL (чей ящик нужен), если служебная учётная запись
    входит механизмом PLAIN. Пусто: не передаётся.
doc-imap-sasl =
    Как входить: "auto" (PLAIN или LOGIN, а NTLM — если сервер не предлагает ни того, ни другого), "plain", "login",
    "xoauth2" (тогда пароль — это токен доступа) или "ntlm" (с привязкой к соединению TLS; открывается только
    собственный ящик входящего, поэтому служебная учётная запись бесполезна).
doc-imap-password =
    "account": у каждого пользователя свой, задаётся в «parom account add».
    "secret:имя": один на всех, запечатан командой «parom secret set имя». Самого пароля здесь быть не должно.
    "secret:{"{"}service_login{"}"}": пароль служебной учётной записи, запечатанный под её именем.
doc-imap-max_connections = Сколько соединений с этим сервером может быть сразу, на всех пользователей вместе.
doc-imap-max_connections_per_service_login =
    Сколько из них может занять одна служебная учётная запись. Без этого ключа — все. Если сервер говорит, что это слишком много,
    паром вдвое сокращает их число и добавляет по одному после каждого удачного круга; это показывает «parom status».
doc-imap-max_connections_per_database =
    Сколько соединений может быть с ящиками одной базы («parom account set --database»). Без этого ключа — все.
doc-imap-bandwidth_kib_s =
    Сколько КиБ в секунду могут передавать все соединения с этим сервером вместе, в обе стороны. 0 — без ограничения.
doc-imap-night =
    Когда ночь, по часам этой машины: "22:00-06:00". Тогда действуют два следующих ключа. "" — никогда.
doc-imap-night_max_connections = Сколько соединений с этим сервером может быть ночью. Без этого ключа — как днём.
doc-imap-night_bandwidth_kib_s = Пропускная способность ночью; 0 — без ограничения. Без этого ключа — как днём.
doc-imap-connect_timeout_s = Сколько секунд может длиться соединение с сервером.
doc-imap-answer_timeout_s = Через сколько секунд без всякого движения команда считается неудавшейся.
doc-imap-read_receipts =
    Exchange отправляет уведомление тому, кто его запросил, когда непрочитанное письмо помечается прочитанным или
    удаляется по IMAP, в том числе Parom. "held": такие письма ждут, и Parom об этом сообщает. "suppressed": вы отключили
    уведомления для каждого ящика:
    Set-CASMailbox user -ImapUseProtocolDefaults $false -ImapSuppressReadReceipt $true
    Другие серверы уведомлений не отправляют, и их это не касается.
doc-imap-keeps_bytes =
    Остаются ли у письма на этом сервере те же байты и тот же размер, с которыми оно пришло. "auto": у Dovecot и Cyrus — да, о других
    это заранее не известно, и там письма различаются по заголовкам и по тому, что в них написано. "no" — для Dovecot с mbox.
doc-imap-extensions =
    Расширения IMAP: "auto" (как лучше по измерениям, docs/extensions.md), "on" (всегда, когда сервер предлагает)
    или "off". Например, {"{"} compress = "on", qresync = "off" {"}"}.
    compress без явного "on" не используется: Parom не отличит медленный канал от медленного сервера. Включите его,
    если канал до сервера не шире 100 Мбит/с: первое копирование займёт половину времени для текста и три четверти
    для вложений. При 400 Мбит/с оно станет в полтора раза дольше, а рядом с сервером — почти вчетверо.
    Имена: { $names }.
doc-imap-quirks =
    Что паром считает известным об этом сервере, если вы знаете точнее. Например, {"{"} index_lag_s = 60 {"}"}: столько секунд в
    списке может не быть письма, которое есть, и раньше ничто не считается удалённым (Exchange — 30, прочие — 0).
    recovery_grace_s: сколько секунд сервер может дописывать полученное после обрыва (Exchange — 30, прочие — 2).
    depth: команд в пути сразу; fetch_items: писем в одном FETCH; batch_items, batch_kb: не больше в одном APPEND.
    Имена: { $names }.
doc-calendars-mode =
    Что происходит с календарями пользователя, о котором не сказано иначе («parom calendar»): "off": ничего;
    "sync": из исходной системы в целевую при каждом «parom calendar sync --all»; "subscribe": в обе стороны.
doc-calendars-write_back =
    Чьи изменения в целевой системе записываются обратно в Exchange, если у пользователя подписка: "all": всех;
    "black": всех, кроме перечисленных в write_back_list; "white": только перечисленных в write_back_list.
doc-calendars-write_back_list = Адреса для write_back, например ["name@corp.example"]. Прописные и строчные буквы не различаются.
doc-calendars-several =
    Что делать с остальными календарями пользователя, если в целевой системе нет календаря с таким именем и создать его
    нельзя: "park": их события ждут, у каждого названа причина; "first-with-category": они попадают в первый календарь с
    категорией, которая называет их собственный. В Exchange они остаются в своём календаре и без этой категории.
doc-calendars-several_category = Категория для "first-with-category". {"{"}name{"}"} — имя календаря.
doc-ews-url = URL веб-служб Exchange, обычно https://СЕРВЕР/EWS/Exchange.asmx. "autodiscover": для каждого ящика его спрашивают у autodiscover.ДОМЕН и ДОМЕН; "autodiscover:https://СЕРВЕР": у этого сервера. Серверы, которые назовёт Autodiscover, должны быть в allow_hosts.
doc-ews-tls = "required" или "none", если адрес с http:// указан намеренно: тогда пароли передаются открыто. Для самой этой машины не нужно.
doc-ews-tls_policy = Как для IMAP: "modern" или, для старых серверов, "legacy", "legacy-1.1", "legacy-1.2".
doc-ews-trust = Как для IMAP: "system", путь к файлу УЦ, "pin:<SHA-256 сертификата>" или "insecure".
doc-ews-login =
    Шаблон логина. Переменные: {"{"}source_login{"}"}, {"{"}target_login{"}"}, {"{"}service_login{"}"}, {"{"}address{"}"},
    {"{"}local{"}"}, {"{"}domain{"}"}.
doc-ews-service_login =
    Что стоит на месте {"{"}service_login{"}"}: служебная учётная запись, как её пишет Exchange. Пользователь, у которого в таблице
    «parom import» есть collector_username, использует её и её collector_password.
doc-ews-auth =
    Как входить: "auto" (Basic, а NTLM — если сервер его не предлагает или нет TLS), "basic", "ntlm" (с привязкой к
    соединению TLS) или "oauth2" (тогда пароль — это токен доступа). После отказа другой способ не пробуется.
doc-ews-act_for =
    Шаблон адреса, чей ящик открывается через ApplicationImpersonation. "": ящик самого входящего, если люди входят
    со своими паролями. Без этого ключа: "{"{"}address{"}"}" для служебной учётной записи, иначе "".
doc-ews-password =
    "account": у каждого пользователя свой — тот, что задан в «parom account add» для исходной системы.
    "secret:имя": один на всех, запечатан командой «parom secret set имя».
    "secret:{"{"}service_login{"}"}": пароль служебной учётной записи, запечатанный под её именем.
doc-ews-max_connections = Сколько соединений с этим сервером может быть сразу, на всех пользователей вместе.
doc-ews-streams =
    С --watch: сколько потоков уведомлений может держать одна учётная запись (HangingConnectionLimit в её политике
    регулирования); каждый сообщает о 200 ящиках, не больше. Остальные ящики опрашиваются по очереди. Без этого ключа: 3,
    а начиная с Exchange 2016 — 10, как заведено у этих серверов. 0: без потоков.
doc-ews-connect_timeout_s = Сколько секунд может длиться соединение с сервером.
doc-ews-answer_timeout_s = Через сколько секунд без ответа запрос считается неудавшимся.
doc-caldav-url =
    Сервер или principal на нём: https://calendar.new.example/. Где чьи календари, спрашивается у сервера, в том числе
    по адресу /.well-known/caldav.
doc-caldav-tls = "required" или "none", если адрес с http:// указан намеренно: тогда пароли передаются открыто. Для самой этой машины не нужно.
doc-caldav-tls_policy = Как для IMAP: "modern" или, для старых серверов, "legacy", "legacy-1.1", "legacy-1.2".
doc-caldav-trust = Как для IMAP: "system", путь к файлу УЦ, "pin:<SHA-256 сертификата>" или "insecure".
doc-caldav-login =
    Шаблон логина с теми же переменными, что в domain.source.ews.
doc-caldav-service_login = Что стоит на месте {"{"}service_login{"}"}: служебная учётная запись, как её пишет сервер.
doc-caldav-home =
    Где календари пользователя, если сервер этого не говорит: путь или URL, например
    "/calendars/{"{"}target_login{"}"}/". Нужно, если чужие календари открывает служебная учётная запись. Переменные те же.
doc-caldav-password =
    "account": у каждого пользователя свой — тот, что задан в «parom account add» для целевой системы.
    "secret:имя": один на всех, запечатан командой «parom secret set имя».
    "secret:{"{"}service_login{"}"}": пароль служебной учётной записи, запечатанный под её именем.
doc-caldav-max_connections = Сколько соединений с этим сервером может быть сразу, на всех пользователей вместе.
doc-caldav-glance_every_s =
    С --watch: через сколько секунд у сервера спрашивать, не изменилось ли что-нибудь в календарях пользователя: сам он об
    этом не сообщает. Где ничего не происходит, он спрашивается всё реже, но не реже чем через срок в 20 раз больший.
doc-caldav-connect_timeout_s = Сколько секунд может длиться соединение с сервером.
doc-caldav-answer_timeout_s = Через сколько секунд без ответа запрос считается неудавшимся.
doc-caldav-product =
    Что это за продукт и, значит, как с ним обходиться: "auto" (узнаётся по признакам) или одно из названий.
doc-caldav-notifications =
    Пишет ли сервер людям о событиях. "auto": как известно о продукте. "off": настроен никому не писать (в SOGo:
    SOGoAppointmentSendEMailNotifications = NO), и тогда переносятся также ответы и удаления приглашённых.
    Не задавайте "off", если сервер пишет: организаторы получат ответы, которых никто не отправлял.
doc-sieve-host = Имя или адрес сервера ManageSieve; часто это тот же сервер, что для IMAP.
doc-sieve-port = Почти везде 4190.
doc-sieve-tls =
    "starttls": TLS после команды, как принято в ManageSieve; "implicit": TLS с первого байта;
    "none": без шифрования, пароли тоже; только для loopback.
doc-sieve-tls_policy = Как для IMAP: "modern" или, для старых серверов, "legacy", "legacy-1.1", "legacy-1.2".
doc-sieve-trust = Как для IMAP: "system", путь к файлу УЦ, "pin:<SHA-256 сертификата>" или "insecure".
doc-sieve-login =
    Шаблон логина с теми же переменными, что для IMAP; "{"{"}target_login{"}"}*svc" открывает чужие сценарии мастер-пользователю
    Dovecot. Вход — SASL PLAIN.
doc-sieve-service_login = Что стоит на месте {"{"}service_login{"}"}: служебная учётная запись, как её пишет сервер.
doc-sieve-authzid =
    Шаблон SASL authorization identity (чьи сценарии имеются в виду) для служебной учётной записи. Пусто: нет.
doc-sieve-password =
    "account": у каждого пользователя свой — тот, что задан в «parom account add» для целевой системы.
    "secret:имя": один на всех, запечатан командой «parom secret set имя».
    "secret:{"{"}service_login{"}"}": пароль служебной учётной записи, запечатанный под её именем.
doc-sieve-max_connections = Сколько соединений с этим сервером может быть сразу, на всех пользователей вместе.
doc-sieve-connect_timeout_s = Сколько секунд может длиться соединение с сервером.
doc-sieve-answer_timeout_s = Через сколько секунд без ответа команда считается неудавшейся.
doc-sieve-internal_domains =
    Домены организации, которые не переносятся. Отправители из них и из всех переносимых доменов получают внутренний автоответ.
doc-sieve-known_senders =
    Exchange умеет отвечать внешним отправителям, только если они есть в контактах, а Sieve контактов не знает. Кто из внешних
    получит в этом случае автоответ: "nobody" — никто, "everybody" — все.
