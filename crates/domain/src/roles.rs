//! What a folder is for: SPECIAL-USE where the server says it, else the names that mail programs give by default.

use crate::{FolderSeen, Role};
use std::collections::HashMap;

/// Default names by role, in English, Russian, German, French, Spanish, Italian, Polish, Kazakh and Ukrainian: Outlook's
/// and Exchange's first, then those of other clients. Compared without regard to case.
const NAMES: [(Role, &[&str]); 12] = [
    (
        Role::Sent,
        &[
            "Sent Items",
            "Sent",
            "Sent Messages",
            "Sent Mail",
            "Отправленные",
            "Отправленные элементы",
            "Gesendete Elemente",
            "Gesendete Objekte",
            "Gesendet",
            "Éléments envoyés",
            "Messages envoyés",
            "Envoyés",
            "Elementos enviados",
            "Enviados",
            "Posta inviata",
            "Inviata",
            "Elementy wysłane",
            "Wysłane",
            "Жіберілгендер",
            "Жіберілген элементтер",
            "Надіслані",
            "Надіслані елементи",
        ],
    ),
    (
        Role::Drafts,
        &[
            "Drafts",
            "Черновики",
            "Entwürfe",
            "Brouillons",
            "Borradores",
            "Bozze",
            "Wersje robocze",
            "Kopie robocze",
            "Жобалар",
            "Чернетки",
        ],
    ),
    (
        Role::Trash,
        &[
            "Deleted Items",
            "Trash",
            "Deleted Messages",
            "Bin",
            "Удаленные",
            "Удалённые",
            "Удаленные элементы",
            "Корзина",
            "Gelöschte Elemente",
            "Gelöschte Objekte",
            "Papierkorb",
            "Éléments supprimés",
            "Corbeille",
            "Elementos eliminados",
            "Papelera",
            "Posta eliminata",
            "Cestino",
            "Elementy usunięte",
            "Kosz",
            "Жойылғандар",
            "Жойылған элементтер",
            "Себет",
            "Видалені",
            "Видалені елементи",
            "Кошик",
        ],
    ),
    (
        Role::Junk,
        &[
            "Junk Email",
            "Junk E-mail",
            "Junk",
            "Spam",
            "Нежелательная почта",
            "Спам",
            "Junk-E-Mail",
            "Courrier indésirable",
            "Correo no deseado",
            "Posta indesiderata",
            "Wiadomości-śmieci",
            "Қажетсіз пошта",
            "Небажана пошта",
        ],
    ),
    (Role::Archive, &["Archive", "Archives", "Архив", "Archiv", "Archivo", "Archivio", "Archiwum", "Мұрағат", "Архів"]),
    (
        Role::Outbox,
        &[
            "Outbox",
            "Исходящие",
            "Postausgang",
            "Boîte d'envoi",
            "Boîte d’envoi",
            "Bandeja de salida",
            "Posta in uscita",
            "Skrzynka nadawcza",
            "Шығыс",
            "Вихідні",
        ],
    ),
    (
        Role::Contacts,
        &[
            "Contacts",
            "Suggested Contacts",
            "Контакты",
            "Предлагаемые контакты",
            "Kontakte",
            "Vorgeschlagene Kontakte",
            "Contacts suggérés",
            "Contactos",
            "Contatti",
            "Kontakty",
            "Контактілер",
            "Контакти",
        ],
    ),
    (
        Role::Calendar,
        &["Calendar", "Календарь", "Kalender", "Calendrier", "Calendario", "Kalendarz", "Күнтізбе", "Календар"],
    ),
    (
        Role::Tasks,
        &["Tasks", "Задачи", "Aufgaben", "Tâches", "Tareas", "Attività", "Zadania", "Тапсырмалар", "Завдання"],
    ),
    (Role::Journal, &["Journal", "Дневник", "Diario", "Dziennik", "Күнделік", "Щоденник"]),
    (Role::Notes, &["Notes", "Заметки", "Notizen", "Notas", "Note", "Notatki", "Жазбалар", "Нотатки"]),
    (
        Role::SyncIssues,
        &[
            "Sync Issues",
            "Ошибки синхронизации",
            "Synchronisierungsprobleme",
            "Problèmes de synchronisation",
            "Problemas de sincronización",
            "Problemi di sincronizzazione",
            "Problemy z synchronizacją",
            "Синхрондау ақаулары",
            "Помилки синхронізації",
        ],
    ),
];

const RSS: [&str; 8] = [
    "RSS Feeds",
    "RSS-каналы",
    "RSS-Feeds",
    "Flux RSS",
    "Fuentes RSS",
    "Feed RSS",
    "Kanały informacyjne RSS",
    "RSS-канали",
];

/// The roles of a listing's folders, by index. A role that the server itself gives to a folder is not given to another by
/// its name; of several folders with default names of one role, the first in the table above has it.
#[must_use]
pub fn roles(folders: &[FolderSeen]) -> Vec<Option<Role>> {
    let mut roles: Vec<Option<Role>> =
        folders.iter().map(|folder| if folder.path.is_inbox() { Some(Role::Inbox) } else { folder.role }).collect();
    let told: Vec<Role> = roles.iter().flatten().copied().collect();
    let mut by_name: HashMap<Role, (usize, usize)> = HashMap::new();
    for (at, folder) in folders.iter().enumerate() {
        // Default folders stand at the root, or below the inbox on servers that put everything there.
        let top = match folder.path.segments() {
            [name] => name,
            [inbox, name] if inbox == "INBOX" => name,
            _ => continue,
        };
        if roles.get(at).is_some_and(Option::is_some) {
            continue;
        }
        if let Some((role, rank)) = named(top).filter(|(role, _)| !told.contains(role)) {
            let best = by_name.entry(role).or_insert((rank, at));
            if rank < best.0 {
                *best = (rank, at);
            }
        }
    }
    for (role, (_, at)) in by_name {
        if let Some(slot) = roles.get_mut(at) {
            *slot = Some(role);
        }
    }
    roles
}

/// The role that a default name stands for, and its rank among the role's names.
fn named(name: &str) -> Option<(Role, usize)> {
    let name = name.trim().to_lowercase();
    let rank = |names: &[&str]| names.iter().position(|known| known.to_lowercase() == name);
    NAMES
        .iter()
        .find_map(|(role, names)| rank(names).map(|rank| (*role, rank)))
        .or_else(|| rank(&RSS).map(|rank| (Role::Rss, rank)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FolderPath;

    fn folder(path: &[&str], role: Option<Role>) -> FolderSeen {
        FolderSeen {
            path: FolderPath::new(path.iter().copied()).unwrap(),
            role,
            selectable: true,
            may_have_children: true,
            hides_children: false,
            subscribed: true,
            subscribable: true,
            status: None,
            mailbox_id: None,
        }
    }

    #[test]
    fn what_the_server_says_beats_a_name() {
        let folders = [folder(&["Sent"], None), folder(&["Gone out"], Some(Role::Sent)), folder(&["inbox"], None)];
        assert_eq!(roles(&folders), [None, Some(Role::Sent), Some(Role::Inbox)]);
    }

    #[test]
    fn names_count_at_the_top_only_and_the_better_known_wins() {
        let folders = [folder(&["Корзина"], None), folder(&["Удаленные"], None), folder(&["Projects", "Drafts"], None)];
        assert_eq!(roles(&folders), [None, Some(Role::Trash), None]);
    }
}
