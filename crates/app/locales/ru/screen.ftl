# Что говорят команды.

unit-b = Б
unit-kb = КБ
unit-mb = МБ
unit-gb = ГБ
unit-tb = ТБ
unit-s = с
unit-min = мин
unit-h = ч
word-or = или

init-done = Создан файл { $file }.
    .fix = Проверьте в нём серверы, затем добавьте пользователей.
    .command = parom --config { $file } account add имя@{ $domain }
init-exists = Файл { $file } уже есть и оставлен без изменений.
    .fix = Измените его, уберите или укажите другой через --config.
init-cannot-write = Не удаётся записать { $file }: { $detail }.
    .fix = Проверьте, что каталог существует и этот пользователь может в него писать.

phase-connecting = соединение с серверами
phase-recovering = поиск того, что не завершил прошлый запуск
phase-observing = просмотр папок обеих сторон
phase-carrying = перенос

work-nothing = изменений нет
work-count = { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    }
work-messages = { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    } ({ $bytes })
work-changes = { $changes ->
        [one] { $changes } изменение
        [few] { $changes } изменения
       *[many] { $changes } изменений
    }
work-both = { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    } ({ $bytes }) и { $changes ->
        [one] { $changes } изменение
        [few] { $changes } изменения
       *[many] { $changes } изменений
    }
work-events = { $events ->
        [one] { $events } событие
        [few] { $events } события
       *[many] { $events } событий
    }
progress-all = все вместе
progress-calendars-of = { $account }, календари
progress-planned = предстоит: { $work }
progress-moving = { $done } из { $planned }, { $done_bytes }, { $rate }/с
progress-moving-eta = { $done } из { $planned }, { $done_bytes }, { $rate }/с, осталось { $left }
progress-moving-events = { $done } из { $planned ->
        [one] { $planned } события
       *[other] { $planned } событий
    }
progress-parked-event = событие отложено: { $why }
progress-parked = письмо отложено: { $why }
ended-in-step = синхронизировано за { $elapsed }: { $work }
ended-in-step-parked = синхронизировано за { $elapsed }: { $work }; отложено { $parked ->
        [one] { $parked } письмо
        [few] { $parked } письма
       *[many] { $parked } писем
    } (parom parked)
ended-in-step-parked-events = синхронизировано за { $elapsed }: { $work }; отложено { $parked ->
        [one] { $parked } событие
        [few] { $parked } события
       *[many] { $parked } событий
    } (parom parked)
ended-unsettled-parked-events = ещё не всё, прошло { $elapsed }: { $work }; остальное сделает следующий проход; отложено { $parked ->
        [one] { $parked } событие
        [few] { $parked } события
       *[many] { $parked } событий
    } (parom parked)
ended-unsettled = ещё не всё, прошло { $elapsed }: { $work }; остальное сделает следующий проход
ended-unsettled-parked = ещё не всё, прошло { $elapsed }: { $work }; остальное сделает следующий проход; отложено { $parked ->
        [one] { $parked } письмо
        [few] { $parked } письма
       *[many] { $parked } писем
    } (parom parked)
ended-left = не всё, прошло { $elapsed }: { $work }; остальное ждёт следующего запуска
ended-left-parked = не всё, прошло { $elapsed }: { $work }; остальное ждёт следующего запуска; отложено { $parked ->
        [one] { $parked } письмо
        [few] { $parked } письма
       *[many] { $parked } писем
    } (parom parked)
ended-left-parked-events = не всё, прошло { $elapsed }: { $work }; остальное ждёт следующего запуска; отложено { $parked ->
        [one] { $parked } событие
        [few] { $parked } события
       *[many] { $parked } событий
    } (parom parked)
ended-held = удержано: { $why }
ended-failed = ошибка: { $why }
ended-again-now = { $why } Новая попытка.
ended-again = { $why } Следующая попытка через { $pause }.
ended-planned = план готов; ничего не изменено
ended-interrupted = остановлено; следующий запуск продолжит с этого места

reference-config = Конфигурация
reference-cli = Командная строка
reference-errors = Ошибки
reference-made = Эту страницу составляет сама программа (parom reference).
reference-allowed = Значение:
reference-range = целое число от { $min } до { $max }
reference-preset = Если не указано:
reference-required = (обязательный ключ)
reference-derived = (см. выше)
reference-exit = Код завершения:

init-key = Создан файл { $file }: ключ, которым открываются запечатанные пароли. Держите его копию в надёжном месте.
runtime-failed = Машина не даёт потоков или сокетов: { $detail }.
    .fix = Увеличьте пределы для этого пользователя (ulimit) и запустите снова.
output-failed = Не удаётся записать вывод: { $detail }.
    .fix = Проверьте, куда направлен stdout.

password-ask = Пароль для { $what }:
password-again = Ещё раз:
password-differs = Введённое не совпало; ничего не изменено.
password-empty = В { $file } нет пароля.
    .fix = Запишите его в первую строку.
password-lines = В { $file } несколько строк, а в пароле — одна.
    .fix = Укажите верный файл.
password-unreadable = Не удаётся прочитать пароль из { $file }: { $detail }.
    .fix = Проверьте путь и права.

side-source = исходная система
side-target = целевая система
word-on = включён
word-off = отключён
word-ago = { $age } назад
told-unknown-code = { $code } (эта версия не знает такого сообщения)

import-read = { $file }: { $count ->
        [one] { $count } строка
        [few] { $count } строки
       *[other] { $count } строк
    }, { $encoding }, разделитель «{ $delimiter }».
import-unreadable = Не удаётся прочитать { $file }: { $detail }.
    .fix = Проверьте путь и права.
import-empty = Файл { $file } пуст.
    .fix = В первой строке названы столбцы, в каждой следующей — один человек.
import-too-big = Файл { $file } слишком велик для таблицы пользователей.
    .fix = Проверьте, тот ли это файл, или разделите его.
import-not-text = { $file } — не текст: возможно, книга табличного редактора.
    .fix = Сохраните её в табличном редакторе как CSV.
import-broken = { $file }, строка { $line }: кавычка не закрыта, или ячейка длиннее, чем здесь бывает.
    .fix = Исправьте строку.
import-column-near = { $file }: столбца «{ $found }» нет; возможно, имелся в виду «{ $column }»? Ничего не загружено.
import-column-unknown = { $file }: столбца «{ $found }» нет. Ничего не загружено.
    .fix = Столбцы: { $known }.
import-column-twice = { $file }: столбец «{ $column }» встречается дважды. Ничего не загружено.
import-column-missing = { $file }: нет столбца «{ $column }». Ничего не загружено.
    .fix = Добавьте его в первую строку.
import-at = Строка { $line }: { $what }
import-at-column = Строка { $line }, столбец { $column }: { $what }
import-too-many-cells = в строке ячеек { $cells }, а столбцов в таблице { $columns }; ячейка с разделителем внутри должна стоять в кавычках.
import-missing = ячейка пуста, но нужна.
import-not-an-address = «{ $found }» — не почтовый адрес.
import-domain = домена адреса { $found } нет в конфигурации; есть: { $known }.
import-twice = { $found } уже есть в строке { $line }.
import-password-short = в пароле меньше 8 символов.
import-not-true = «{ $found }» — ни true, ни false.
import-not-one = «{ $found }» — ни 1, ни 0.
import-not-a-phone = «{ $found }» — не номер телефона.
import-not-a-number = «{ $found }» — не число от 1.
import-control = в ячейке перевод строки или другой управляющий символ.
import-quote = кавычка не закрыта.
import-no-service-password = указана служебная учётная запись { $found }, но нет её пароля.
import-no-service-template = указана служебная учётная запись { $found }, но в «login» исходной системы этого домена нет {"{"}service_login{"}"}.
import-other-logins = пользователь уже есть с другими логинами ({ $source } в исходной системе, { $target } в целевой); логины определяют, чья это почта, и загрузкой не меняются.
import-sessions-end = все сеансы этого человека завершатся
import-no-collector = только мессенджер, без почты
import-password-new = пароль — только для нового ящика
import-password-changes = пароль ящика будет изменён
import-create = новый
import-update = изменён
import-unchanged = без изменений
import-not = не принята
import-more = … и ещё { $count }.
import-sum = Новых: { $create }, изменённых: { $update }, без изменений: { $unchanged }, не принято: { $refused }.
import-refused = Ничего не загружено: { $count ->
        [one] не принята { $count } строка
        [few] не приняты { $count } строки
       *[other] не принято { $count } строк
    }.
    .fix = Исправьте эти строки или загрузите остальные без них.
    .command = parom import { $file } --without-bad-rows
import-done = Загружено: { $count ->
        [one] записана { $count } строка
        [few] записаны { $count } строки
       *[other] записано { $count } строк
    }.
    .command = parom account list
import-vk-done = Таблица для VK WorkSpace — в { $file }. В ней пароли: удалите её, когда пользователи будут созданы.
import-vk-unwritable = Не удаётся записать { $file }: { $detail }. Ничего не загружено.
    .fix = Проверьте путь и права.
import-report-unwritable = Не удаётся записать отчёт { $file }: { $detail }. Ничего не загружено.
    .fix = Проверьте путь и права.

account-added = Добавлен пользователь { $account } (исходный логин { $source }, целевой { $target }).
    .command = parom sync --account { $account }
account-changed = Пользователь { $account } уже есть (исходный логин { $source }, целевой { $target }); ничего не изменено.
    .command = parom sync --account { $account }
account-passwords = Пароли пользователя { $account } заданы (исходный логин { $source }, целевой { $target }).
    .command = parom sync --account { $account }
account-lacks-source = Пользователь { $account } есть, но пароля для исходной системы ещё нет.
    .fix = Передайте его в файле или используйте служебную учётную запись («password» в конфигурации).
    .command = parom account add { $account } --source-password-file ФАЙЛ
account-lacks-target = Пользователь { $account } есть, но пароля для целевой системы ещё нет.
    .fix = Передайте его в файле или используйте служебную учётную запись («password» в конфигурации).
    .command = parom account add { $account } --target-password-file ФАЙЛ
account-lacks-both = Пользователь { $account } есть, но паролей ещё нет.
    .fix = Передайте их в файлах или используйте служебные учётные записи («password» в конфигурации).
    .command = parom account add { $account } --source-password-file ФАЙЛ --target-password-file ФАЙЛ
account-other-logins = Пользователь { $account } уже есть с другими логинами: { $source } в исходной системе, { $target } в целевой. Ничего не изменено.
    .why = Логины определяют, чья это почта; изменив их мимоходом, можно смешать почту двух людей.
    .fix = Чтобы изменить их, удалите пользователя (его почта останется) и добавьте снова.
    .command = parom account remove { $account }
account-address = «{ $found }» — не почтовый адрес.
    .fix = Укажите адрес целиком, например name@corp.example.
account-domain = Домена адреса { $account } нет в { $file }.
    .fix = В конфигурации есть { $known }. Исправьте адрес или добавьте раздел [[domain]].
account-none = Пользователей пока нет.
    .fix = Добавьте первого.
    .command = parom account add name@corp.example
account-all-off = Все пользователи отключены.
    .fix = Включите тех, чью почту нужно переносить.
    .command = parom account on { $account }
account-on = { $account }: включён
account-off = { $account }: отключён
account-set = { $account }: записано; действует со следующего запуска «parom sync»
account-database = «{ $found }» не может быть именем базы почтовых ящиков.
    .fix = Укажите имя так, как его показывает Exchange.
account-removed = { $account }: забыт; почта на обеих сторонах осталась как была

secret-name = «{ $found }» не может быть именем секрета.
    .fix = Используйте буквы, цифры и - _ . @ \ /, не более 64 знаков.
secret-set = Пароль «{ $name }» запечатан.
secret-set-unused = Пароль «{ $name }» запечатан. Пока он нигде не используется.
    .fix = Назовите его в конфигурации: password = "secret:{ $name }"
secret-none = Запечатанных паролей нет.
    .command = parom secret set service
secret-unknown = Секрета «{ $name }» нет.
    .command = parom secret list
secret-removed = Пароль «{ $name }» удалён.

head-account = ПОЛЬЗОВАТЕЛЬ
head-line = СТРОКА
head-result = ИТОГ
head-column = СТОЛБЕЦ
head-remarks = ЗАМЕЧАНИЯ
head-enabled = ПЕРЕНОС
head-source-login = ИСХОДНЫЙ ЛОГИН
head-target-login = ЦЕЛЕВОЙ ЛОГИН
head-standing = СОСТОЯНИЕ
head-folders = ПАПОК
head-linked = ПИСЕМ
head-parked = ОТЛОЖЕНО
head-last-ok = СИНХРОНИЗИРОВАН
standing-off = отключён
standing-new = не начат
standing-in-step = синхронизирован
standing-unsettled = есть работа
standing-held = удержан
standing-failed = ошибка
pace-server = { $server }: соединений { $allowed } из { $most }. Сервер ответил ({ $ago }): «{ $answer }».
pace-login = { $server }, служебная учётная запись { $name }: соединений { $allowed } из { $most }. Сервер ответил ({ $ago }): «{ $answer }».
pace-database = { $server }, база { $name }: соединений { $allowed } из { $most }. Сервер ответил ({ $ago }): «{ $answer }».
pace-pause = По просьбе сервера паром не обращается к нему ещё { $left }. Прервать ожидание: «parom account on АДРЕС».

hidden-folders = В папке «{ $folder }» есть папки, которых сервер не показывает ({ $side }). Они не переносятся.
    .why = Exchange не показывает по IMAP папку, в имени которой есть «/», и всё, что в ней.
    .fix = Переименуйте папку в Outlook или Outlook в браузере, без «/»: следующий проход её найдёт. Или укажите [domain.source.ews]: такие папки паром переносит через EWS.
    .command = parom sync --account { $account }
parked-none = Отложенных писем нет.
parked-head = { $account }, { $side }, «{ $folder }», письмо { $uid }, отложено { $since }
parked-retried = { $count ->
        [one] { $count } письмо
        [few] { $count } письма
       *[many] { $count } писем
    } — следующий проход попробует снова.
    .command = parom sync --all
parked-event-head = { $account }, { $side }, календарь «{ $calendar }», событие { $event }, отложено { $since }
# Как называется событие: перед этим стоит слово «событие».
named-event = «{ $title }» от { $day }
named-event-undated = «{ $title }»
named-event-untitled = от { $day }
named-event-unknown = (ни название, ни UID неизвестны)
named-event-uid = { $event } (UID { $uid })
named-event-file = { $event } ({ $file })
parked-event-off = Календари { $account } выключены: пока их не включат, повторных попыток не будет.
    .command = parom calendar subscribe { $account }
parked-events-retried = { $count ->
        [one] { $count } событие будет обработано
        [few] { $count } события будут обработаны
       *[many] { $count } событий будут обработаны
    } снова.
    .command = parom calendar sync --all
parked-busy = С пользователем { $account } работает другой процесс.
    .fix = Повторите, когда он закончит.

brake-emptied-folder = из папки «{ $folder }» в { $side ->
        [source] исходной
       *[target] целевой
    } системе разом исчезли письма: { $count } из { $total }
brake-vanished-folder = в { $side ->
        [source] исходной
       *[target] целевой
    } системе исчезла папка «{ $folder }», писем в ней: { $count }
brake-other-mailbox = { $total ->
        [0] логин открывает в { $side ->
            [source] исходной
           *[target] целевой
        } системе не тот ящик, что раньше
       *[other] в папке «{ $folder }» ({ $side ->
            [source] исходная
           *[target] целевая
        } система) не то, что было: это другой ящик, или папку заменили
    }
brake-restored-server = папка «{ $folder }» в { $side ->
        [source] исходной
       *[target] целевой
    } системе старше, чем была: сервер восстановлен из копии, или это другой ящик
brake-receipts = { $count ->
        [one] { $count } письмо
        [few] { $count } письма
       *[other] { $count } писем
    } в папке «{ $folder }» с запросом уведомления о прочтении, которое { $side ->
        [source] исходная
       *[target] целевая
    } система отправила бы автору
brake-many-deletions = в { $side ->
        [source] исходной
       *[target] целевой
    } системе нет писем: { $count } из { $total }; на другой стороне они были бы удалены безвозвратно, и вместе с удалёнными за сутки это больше, чем разрешают brake_deletions и brake_percent
brake-emptied-calendar = из календаря «{ $folder }» в { $side ->
        [source] исходной
       *[target] целевой
    } системе разом исчезло { $count ->
        [one] { $count } событие
        [few] { $count } события
       *[many] { $count } событий
    } из { $total }
brake-vanished-calendar = в { $side ->
        [source] исходной
       *[target] целевой
    } системе исчез календарь «{ $folder }», в нём { $count ->
        [one] было { $count } событие
        [few] было { $count } события
       *[many] было { $count } событий
    }
brake-many-event-deletions = в { $side ->
        [source] исходной
       *[target] целевой
    } системе исчезло { $count ->
        [one] { $count } событие
        [few] { $count } события
       *[many] { $count } событий
    } из { $total }; вместе с удалёнными за последние 24 часа это больше, чем разрешают brake_deletions и brake_percent
brakes-none = Предохранители ничего не удерживают.
brakes-head = { $account }, удерживается; сработал { $since }
brakes-released-head = { $account }, снят { $since }: следующий проход продолжит
brakes-command = parom brakes release { $account }
brakes-then-calendar = parom calendar sync { $account }
brakes-then = parom sync --account { $account }
brakes-nothing-held = { $account }: ничего не удерживается.
brakes-released = { $account }: { $count ->
        [one] снят { $count } предохранитель
        [few] снято { $count } предохранителя
       *[many] снято { $count } предохранителей
    }; следующий проход выполнит удержанное.
    .command = parom sync --account { $account }
brakes-released-calendar = { $account }: { $count ->
        [one] снят { $count } предохранитель календарей
        [few] снято { $count } предохранителя календарей
       *[many] снято { $count } предохранителей календарей
    }; следующий проход выполнит удержанное.
    .command = parom calendar sync { $account }

server-head = { $domain }, { $side ->
    [source] исходная система
   *[target] целевая система
}: { $server }, продукт: { $product }
server-used = Используются расширения: { $names }
server-unused = Предлагаются, но не используются: { $names }
server-configured = (задано в конфигурации)
word-yes = да
word-no = нет

login-opened = открывает ящик: { $form }, служебная запись { $service }
login-refused = отказ: { $form }, служебная запись { $service } ({ $answer })
login-own = открывает ящик самой служебной записи: { $form }, служебная запись { $service }
login-unknown = сервер не предлагает: { $form }, служебная запись { $service }
login-later = ещё не пробовали: { $form }, служебная запись { $service }
login-found = С этим видом логина ящик { $account } открывается. Задайте его в [domain.source.imap] в конфигурации:
login-self = Саму служебную учётную запись не пускают, поэтому чужие ящики с ней не пробовались.
    .why = Неверен пароль, либо у служебной учётной записи нет ящика или IMAP, другое имя, или она администратор. Череда неверных паролей её заблокировала бы.
    .fix = Войдите с ней в Outlook в браузере, затем задайте её пароль заново.
    .command = parom secret set ИМЯ
login-none = Ни один из известных видов логина не открывает ящик { $account }.
    .why = Неверен пароль; у служебной учётной записи нет ящика или IMAP, либо она администратор; у неё нет полного доступа к ящику; либо псевдоним ящика не совпадает с частью адреса до @.
    .fix = В Exchange: Add-MailboxPermission { $account } -User СЛУЖЕБНАЯ -AccessRights FullAccess -AutoMapping $false. Проверьте псевдоним (Get-Mailbox { $account } | fl Alias) и задайте его как логин исходной системы.

state-no-folder = Каталога { $folder } для файла состояния нет.
    .why = Ключ «state» в настройках указывает на { $file }.
    .fix = Создайте каталог или исправьте имя.
    .command = mkdir -p { $folder }
state-not-there = Файла состояния { $file } ещё нет.
    .why = Он создаётся, когда добавляют первого пользователя или секрет.
    .fix = Добавьте пользователя.
    .command = parom account add name@corp.example

calendar-nobody = Нет пользователей, чьи календари надо переносить.
    .fix = Укажите это для нужных пользователей или задайте «mode» в [domain.calendars].
    .command = parom calendar subscribe name@corp.example
calendar-switched-on = { $account }: с этого момента календари переносятся из исходной системы в целевую, в том числе командой «parom calendar sync --all»; прекратить — «parom calendar unsubscribe { $account }»
calendar-left-off = { $account }: календари были выключены («parom calendar unsubscribe»), паром их не трогает.
    .why = Разовый перенос снова включил бы их насовсем.
    .fix = Включите их: в обе стороны или только из исходной системы в целевую — «parom calendar sync --on { $account }».
    .command = parom calendar subscribe { $account }
calendar-off = { $account }: календари больше не трогаем; ничего не удалено
calendar-unpaired = У календаря «{ $calendar }» нет пары ({ $side }), и создать её там нельзя. Его события ждут.
    .why = Сервер не даёт создавать календари — никому или этому пользователю.
    .fix = Создайте там календарь с таким именем вручную. Следующий проход его найдёт.
head-archive-number = НОМЕР
head-archive-when = КОГДА
head-archive-side = СТОРОНА
head-archive-why = ПОЧЕМУ
head-archive-day = ДЕНЬ
head-archive-title = НАЗВАНИЕ
head-archive-uid = UID
calendar-archive-given-up = отвергнута при слиянии
calendar-archive-overwritten = как было до перезаписи
calendar-archive-none = Сохранять версии событий не приходилось.
calendar-archive-saved = Записано в { $file }.
calendar-archive-unsaved = Не удалось записать { $file }: { $detail }.
    .fix = Укажите файл, которого ещё нет, в папке, куда вы можете писать.
calendar-archive-unknown = У { $account } нет сохранённого события с номером { $number }.
    .command = parom calendar archive list { $account }
calendar-archive-restored = Событие возвращено. Следующий проход его перенесёт.
    .command = parom calendar sync { $account }
calendar-archive-in-the-way = Событие всё ещё в календаре { $account }, поэтому ничего не возвращено.
    .why = Второе событие с тем же идентификатором сбило бы с толку любую программу.
    .fix = Сохраните архивную версию и сравните или сначала удалите событие в календаре.
    .command = parom calendar archive get { $account } { $number }
calendar-archive-nowhere = У { $account } там нет календаря, в который можно писать.
    .command = parom calendar status { $account }
calendar-mode-off = выключены
calendar-mode-sync = синхронизация
calendar-mode-subscribe = подписка
calendar-plan-make = { $side }: создать календарь «{ $calendar }»
calendar-plan-calendar = КАЛЕНДАРЬ
calendar-plan-merge = СВЕСТИ
head-calendar-mode = КАЛЕНДАРИ
head-calendars = СКОЛЬКО
head-events = СОБЫТИЙ
calendar-verify-equal = { $account }: расхождений нет: { $equal ->
        [one] { $equal } событие
        [few] { $equal } события
       *[many] { $equal } событий
    }{ $explained ->
        [0] {""}
        [one] {" "}(и { $explained } известное расхождение)
        [few] {" "}(и { $explained } известных расхождения)
       *[many] {" "}(и { $explained } известных расхождений)
    }
calendar-verify-differs = { $account }: { $count ->
        [one] { $count } расхождение
        [few] { $count } расхождения
       *[many] { $count } расхождений
    }; совпадает: { $equal ->
        [one] { $equal } событие
        [few] { $equal } события
       *[many] { $equal } событий
    }{ $explained ->
        [0] {""}
        [one] {" "}(и { $explained } известное расхождение)
        [few] {" "}(и { $explained } известных расхождения)
       *[many] {" "}(и { $explained } известных расхождений)
    }
calendar-verify-missing-source = «{ $calendar }»: события { $event } нет в исходной системе, в целевой оно есть
calendar-verify-missing-target = «{ $calendar }»: события { $event } нет в целевой системе, в исходной оно есть
calendar-verify-doubled = «{ $calendar }»: событие { $event } есть не один раз ({ $side })
calendar-verify-unreadable = «{ $calendar }»: событие не читается ({ $side })
calendar-verify-unreadable-named = «{ $calendar }»: событие { $event } не читается ({ $side })
calendar-verify-altered = «{ $calendar }»: событие { $event } на двух сторонах разное
verify-equal = { $account }: расхождений нет: { $equal ->
        [one] { $equal } письмо
        [few] { $equal } письма
       *[many] { $equal } писем
    }, { $folders ->
        [one] { $folders } папка
        [few] { $folders } папки
       *[many] { $folders } папок
    }{ $parked ->
        [0] {""}
        [one] {" "}(и отложено { $parked } письмо)
        [few] {" "}(и отложено { $parked } письма)
       *[many] {" "}(и отложено { $parked } писем)
    }{ $deleted ->
        [0] {""}
        [one] {" "}(и { $deleted } удалённое письмо лежит в корзине одной из сторон)
        [few] {" "}(и { $deleted } удалённых письма лежат в корзине одной из сторон)
       *[many] {" "}(и { $deleted } удалённых писем лежат в корзине одной из сторон)
    }
verify-differs = { $account }: { $count ->
        [one] { $count } расхождение
        [few] { $count } расхождения
       *[many] { $count } расхождений
    }; совпадает: { $equal ->
        [one] { $equal } письмо
        [few] { $equal } письма
       *[many] { $equal } писем
    }, { $folders ->
        [one] { $folders } папка
        [few] { $folders } папки
       *[many] { $folders } папок
    }{ $parked ->
        [0] {""}
        [one] {" "}(и отложено { $parked } письмо)
        [few] {" "}(и отложено { $parked } письма)
       *[many] {" "}(и отложено { $parked } писем)
    }{ $deleted ->
        [0] {""}
        [one] {" "}(и { $deleted } удалённое письмо лежит в корзине одной из сторон)
        [few] {" "}(и { $deleted } удалённых письма лежат в корзине одной из сторон)
       *[many] {" "}(и { $deleted } удалённых писем лежат в корзине одной из сторон)
    }
verify-more = ... и ещё { $count } (все — с --json)
verify-parked = отложено, см. «parom parked»: { $difference }
verify-deleted = удалено на одной стороне, на другой лежит в корзине: { $difference }
verify-folder-missing-source = «{ $folder }»: такой папки нет в исходной системе; в целевой в ней { $count ->
        [one] { $count } письмо
        [few] { $count } письма
       *[many] { $count } писем
    }
verify-folder-missing-target = «{ $folder }»: такой папки нет в целевой системе; в исходной в ней { $count ->
        [one] { $count } письмо
        [few] { $count } письма
       *[many] { $count } писем
    }
verify-missing-source = «{ $folder }»: в исходной системе нет письма { $uid } из целевой
verify-missing-target = «{ $folder }»: в целевой системе нет письма { $uid } из исходной
verify-doubled-source = «{ $folder }»: письмо { $uid } в исходной системе повторяется на один раз больше, чем в целевой
verify-doubled-target = «{ $folder }»: письмо { $uid } в целевой системе повторяется на один раз больше, чем в исходной
verify-altered = «{ $folder }»: у письма { $uid } в целевой системе (там { $uid_target }) те же заголовки, но другое содержание; размер в байтах: в исходной { $source }, в целевой { $target }
verify-line-ends = «{ $folder }»: письмо { $uid } отличается от письма { $uid_target } в целевой системе только концами строк или последним из них; размер в байтах: в исходной { $source }, в целевой { $target }
verify-unreadable = «{ $folder }»: письмо { $uid } не читается ({ $side })
verify-substituted = «{ $folder }»: вместо письма { $uid } сервер отдаёт другой текст ({ $side })
verify-marks = «{ $folder }»: флаги письма { $uid } (в целевой системе { $uid_target }): только в исходной: { $source }; только в целевой: { $target }
verify-date = «{ $folder }»: дата письма { $uid } (в целевой системе { $uid_target }): в исходной { $source }, в целевой { $target }
verify-stopped = остановлено раньше, чем сравнено всё

stopping = Останавливаемся; второе нажатие Ctrl-C завершит сразу.
plan-nothing = { $account }: делать нечего.
plan-held = { $account }, удерживается:
plan-head = { $account }, предстоит{ $count ->
        [0] {""}
        [one] {" "}(и переместить { $count } письмо)
        [few] {" "}(и переместить { $count } письма)
       *[many] {" "}(и переместить { $count } писем)
    }:
plan-make = { $side }: создать папку «{ $folder }»
plan-rename = { $side }: переименовать папку «{ $folder }» в «{ $to }»
plan-remove = { $side }: удалить папку «{ $folder }»
plan-subscribe = { $side }: подписать на папку «{ $folder }»
plan-unsubscribe = { $side }: снять подписку с папки «{ $folder }»
plan-missing = { $side }: папки «{ $folder }» нет; пока из-за этого ничего не удаляется
plan-folder = ПАПКА
plan-to-target = В ЦЕЛЕВУЮ
plan-to-source = В ИСХОДНУЮ
plan-marks-target = ФЛАГИ В ЦЕЛЕВОЙ
plan-marks-source = ФЛАГИ В ИСХОДНОЙ
plan-deletes-target = УДАЛИТЬ В ЦЕЛЕВОЙ
plan-deletes-source = УДАЛИТЬ В ИСХОДНОЙ

demo-start = Демонстрация парома: имитация Microsoft Exchange и ещё один сервер почты и календарей на этой машине, вымышленная компания, настоящие процессы.
demo-company = В исходной системе, Exchange { $year } ({ $source }), { $accounts ->
        [one] { $accounts } ящик
        [few] { $accounts } ящика
       *[many] { $accounts } ящиков
    }, { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    } ({ $bytes }); папки названы по-русски, все ящики открывает одна служебная учётная запись. Целевая система ({ $target }) пуста.
demo-copy = 1. Первое копирование с ограничением посередине
demo-throttled = Когда в целевой системе было { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    }, Exchange ограничил служебную учётную запись на { $wait } и отклонил { $count ->
        [one] { $count } команду
        [few] { $count } команды
       *[many] { $count } команд
    }. Паром выждал, сколько было велено, и продолжил.
demo-not-throttled = Паром закончил раньше, чем его успели ограничить.
demo-copied = Теперь в целевой системе { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    } ({ $bytes }); прошло { $elapsed }.
demo-same = Сравнение без парома: на обоих серверах совпадает { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    }, каждое ровно в одном экземпляре{ $unshown ->
        [0] {""}
        [one] {"; "}ещё { $unshown } письмо есть только в Exchange, который не может показать его по IMAP
        [few] {"; "}ещё { $unshown } письма есть только в Exchange, который не может показать их по IMAP
       *[many] {"; "}ещё { $unshown } писем есть только в Exchange, который не может показать их по IMAP
    }.
demo-different = Сравнение без парома: { $count ->
        [one] { $count } расхождение
        [few] { $count } расхождения
       *[many] { $count } расхождений
    }; на обоих серверах совпадает { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    }; только в Exchange, который не может их показать: { $unshown }.
demo-parked = Это письмо отложено, названо и не мешает остальным («parom parked»):
demo-crossing = 2. Люди работают на обеих сторонах
demo-edit-arrival = { $side }, { $account }: пришло новое письмо
demo-edit-flag = { $side }, { $account }: письмо отмечено флагом
demo-edit-move = { $side }, { $account }: письмо перемещено в новую папку
demo-edit-delete = { $side }, { $account }: письмо удалено
demo-edit-folder = { $side }, { $account }: создана папка
demo-crossed = Перенесено: { $edit }
demo-not-crossed = НЕ перенесено: { $edit }
demo-kill = 3. Паром убит посреди письма
demo-more = В исходной системе { $messages ->
        [one] { $messages } новое письмо
        [few] { $messages } новых письма
       *[many] { $messages } новых писем
    }.
demo-killed = Убит (SIGKILL) на полпути; в целевой системе { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    }. Запускаем снова:
demo-not-killed = Паром закончил раньше, чем его успели убить.
demo-verify = 4. Сравнение самим паромом и запуск, которому нечего делать
demo-idle = Запуск, которому нечего делать, ничего не записал ни на один сервер.
demo-not-idle = Запуск, которому нечего делать, что-то записал!
demo-calendars = 5. Календари тоже переносятся
demo-planned = { $accounts ->
        [one] У { $accounts } из десяти
       *[other] У { $accounts } из десяти
    } есть календарь в Exchange ({ $source }): { $events ->
        [one] { $events } событие
        [few] { $events } события
       *[many] { $events } событий
    }, из них { $series ->
        [one] { $series } повторяется
       *[other] { $series } повторяются
    } и имеют исключения — перенесённые и удалённые повторы; { $invited ->
        [one] приглашён { $invited } участник
        [few] приглашены { $invited } участника
       *[many] приглашено { $invited } участников
    }. Целевая система работает по CalDAV ({ $target }) и пригласила бы всех ещё раз, если бы её не попросили молчать.
demo-events-same = Сравнение без парома: { $events ->
        [one] у { $events } события
       *[other] у { $events } событий
    } на обоих серверах совпадают название, место, время, участники и исключения.
demo-events-different = Сравнение без парома: { $count ->
        [one] { $count } событие различается
        [few] { $count } события различаются
       *[many] { $count } событий различаются
    }; совпадает на обоих серверах: { $events }.
demo-event-room = { $side }, { $account }: «{ $title }» переезжает в другую переговорную
demo-event-skip = { $side }, { $account }: один повтор «{ $title }» удалён
demo-event-new = { $side }, { $account }: запланировано «{ $title }»
demo-event-later = { $side }, { $account }: «{ $title }» — на два часа позже
demo-event-move-one = { $side }, { $account }: один повтор «{ $title }» перенесён на вечер
demo-event-delete = { $side }, { $account }: «{ $title }» удалено
demo-event-both = обе системы сразу, { $account }: у «{ $title }» здесь другая переговорная, там другое название
demo-nobody-written-to = Никому ничего не отправлено: ловушки обоих серверов для приглашений, изменений и отмен пусты, хотя в перенесённых и изменённых событиях { $invited ->
        [one] { $invited } участник
        [few] { $invited } участника
       *[many] { $invited } участников
    }.
demo-written-to = Участникам ушло { $count ->
        [one] { $count } сообщение
        [few] { $count } сообщения
       *[many] { $count } сообщений
    }! Всего участников: { $invited }.
demo-good = Всё так, как должно быть: в целевой системе { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    } и { $events ->
        [one] { $events } событие
        [few] { $events } события
       *[many] { $events } событий
    }. Демонстрация заняла { $elapsed }.
demo-bad = Что-то НЕ так, см. выше (в целевой системе { $messages ->
        [one] { $messages } письмо
        [few] { $messages } письма
       *[many] { $messages } писем
    } и { $events ->
        [one] { $events } событие
        [few] { $events } события
       *[many] { $events } событий
    }). Демонстрация заняла { $elapsed }.
demo-kept = Серверы работают до Ctrl-C. Войти можно любой программой для почты или календаря, без шифрования:
        Exchange:        { $source }
        Целевая система: { $target }
        CalDAV:          { $caldav }
        EWS:             { $ews }
        Имя:             { $name }, пароль на обоих серверах: { $password }; остальные девять — так же
    И сам паром, в другом окне:
    {"    "}{ $parom } status
    {"    "}{ $parom } sync --all --watch
    {"    "}{ $parom } parked
    {"    "}{ $parom } verify { $account }
demo-failed = Демонстрация не может продолжаться: { $detail }.
    .fix = Проверьте, что машина разрешает соединения с самой собой и что в каталоге временных файлов есть место.

## parom oof copy

oof-nothing = { $account }: в исходной системе автоответа нет, делать нечего
oof-known-only = { $account }: автоответ предназначен только внешним отправителям из контактов, а Sieve их не знает; не переносится («known_senders»)
oof-same = { $account }: автоответ в целевой системе уже такой, как надо
oof-written = { $account }: автоответ включён в целевой системе
oof-would-write = { $account }: в целевой системе был бы включён этот автоответ
oof-removed = { $account }: автоответа больше нет; сценарий парома удалён из целевой системы
oof-would-remove = { $account }: автоответа больше нет; сценарий парома был бы удалён из целевой системы
oof-interrupted = { $account }: работа остановлена раньше, чем закончена
oof-period = с { $from } по { $until }
oof-beside = Собственный сценарий владельца «{ $name }» продолжает работать рядом и не меняется.
oof-again = Действует собственный сценарий владельца «{ $name }».
oof-known-nobody = В исходной системе внешние отправители получают автоответ, только если они есть в контактах, а Sieve их не знает: в целевой системе внешним никто не отвечает («known_senders»).
oof-known-everybody = В исходной системе внешние отправители получают автоответ, только если они есть в контактах, а Sieve их не знает: в целевой системе отвечаем всем внешним («known_senders»).
