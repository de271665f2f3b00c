//! Folder names as people make them, and as they break tools.

use parom_domain::FolderPath;

const ORDINARY: [&str; 12] = [
    "Отправленные",
    "Черновики",
    "Удаленные",
    "Заказы",
    "Заказы/2023",
    "Заказы/2024",
    "Бухгалтерия",
    "Projects",
    "Projects/Ferry terminal",
    "Договоры и акты",
    "Отпуска",
    "Newsletter",
];

/// The characters that have a meaning in IMAP, in modified UTF-7 or in patterns, and deep nesting.
const ODD: [&str; 10] = [
    "R&D",
    "&-",
    "100 % готово",
    "Звёзды * и \"кавычки\"",
    "back\\slash",
    "[Важно] (не терять) {1}",
    "Ключ=значение ~ #1, №2",
    "日本語 и 😀",
    "1/2/3/4/5/6/7/8/9/Десятая",
    "Очень длинное имя папки, каким его может придумать только человек, которому никто не мешал",
];

/// So many folders, the inbox first.
pub(super) fn folders(count: usize, odd: bool) -> Vec<FolderPath> {
    // Odd names come early, so that small mailboxes have them too.
    let odd: &[&str] = if odd { &ODD } else { &[] };
    let (first, rest) = ORDINARY.split_at(3);
    let named = first.iter().chain(odd).chain(rest).map(|name| (*name).to_owned());
    let numbered = (1..).map(|n| format!("Проекты/{}/№ {n}", 2016 + n % 9));
    let paths = named.chain(numbered).filter_map(|name| FolderPath::new(name.split('/')));
    std::iter::once(FolderPath::inbox()).chain(paths).take(count).collect()
}
