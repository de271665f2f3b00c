//! People who do not exist and what they write about.

/// Display name and address.
pub(super) const PEOPLE: [(&str, &str); 14] = [
    ("Анна Смирнова", "a.smirnova@corp.example"),
    ("Борис Кузнецов", "b.kuznetsov@corp.example"),
    ("Вера Полякова", "v.polyakova@corp.example"),
    ("Глеб Ёлкин", "g.elkin@corp.example"),
    ("Дарья Щукина", "d.schukina@corp.example"),
    ("Егор Жданов", "e.zhdanov@corp.example"),
    ("Зоя Фёдорова", "z.fedorova@corp.example"),
    ("Бухгалтерия", "accounts@corp.example"),
    ("Parom Logistics", "dispatch@corp.example"),
    ("John Whitaker", "j.whitaker@partner.example.org"),
    ("Maria Lindqvist", "maria@harbour.example.net"),
    ("ООО «Причал»", "info@prichal.example.org"),
    ("Kenji Mori", "mori@yard.example.net"),
    ("Support", "no-reply@service.example.com"),
];

pub(super) const SUBJECTS_RU: [&str; 16] = [
    "Заказ",
    "Счёт на оплату",
    "Договор поставки: замечания юристов",
    "Совещание перенесено на четверг",
    "Отпуск",
    "Акт сверки за квартал",
    "Срочно: не проходит платёж",
    "Фото с объекта",
    "Протокол совещания",
    "Доверенность на получение груза",
    "График дежурств",
    "Вопрос по накладной",
    "Поздравляем с днём рождения!",
    "Коммерческое предложение на перевозку через пролив, вариант с хранением на терминале",
    "Пропуск для машины",
    "Итоги недели",
];

pub(super) const SUBJECTS_EN: [&str; 10] = [
    "Bill of lading",
    "Updated berth schedule",
    "Invoice",
    "Minutes of the call",
    "Question about customs papers",
    "Spare parts for the ramp",
    "Weekly report",
    "Lunch?",
    "Contract draft, second reading",
    "Your ticket has been closed",
];

pub(super) const SENTENCES_RU: [&str; 18] = [
    "Коллеги, добрый день!",
    "Высылаю документы, о которых мы говорили вчера по телефону.",
    "Просьба проверить суммы и подтвердить до конца дня.",
    "Паром отходит в 7:40, погрузка начинается за два часа.",
    "В накладной указан не тот вес, поправьте, пожалуйста.",
    "Оригиналы отправим курьером на следующей неделе.",
    "По второму пункту у юристов есть замечания, они во вложении.",
    "Если возражений нет, завтра подписываем.",
    "Машина уже в пути, водитель позвонит за час до приезда.",
    "Склад сможет принять груз только после среды.",
    "Спасибо, что ответили так быстро.",
    "Счёт оплачен, подтверждение придёт из банка.",
    "Напоминаю, что в пятницу порт работает до обеда.",
    "Съёмку объекта сделали, фотографии ниже.",
    "Давайте созвонимся и решим этот вопрос сразу.",
    "Ещё раз прошу всех обновить данные в общей таблице.",
    "Прошу прощения за задержку с ответом.",
    "С уважением, отдел перевозок.",
];

pub(super) const SENTENCES_EN: [&str; 14] = [
    "Hello all,",
    "please find the papers for Tuesday's sailing attached.",
    "The ramp will be closed for maintenance from 2 to 4 p.m.",
    "We have checked the figures and they add up now.",
    "Could you confirm the number of trailers by noon?",
    "The customs broker is asking for the original certificate.",
    "I have marked the two paragraphs that we would like to change.",
    "Let us talk about the price tomorrow.",
    "The driver has been told to wait at gate three.",
    "There is no hurry with the rest.",
    "Thank you for sorting this out so quickly.",
    "Our side has signed; the copy is on its way.",
    "The weather does not look good for Thursday.",
    "Best regards",
];

pub(super) const FILES: [(&str, &str); 6] = [
    ("Счёт.pdf", "application/pdf"),
    ("Договор поставки (с правками).docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("report.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("IMG_0417.JPG", "image/jpeg"),
    ("архив.zip", "application/zip"),
    ("scan0001.tiff", "image/tiff"),
];
