//! `parom import`: people from a table, seen before anything is written.

use crate::cli::Import;
use crate::config::{Config, MailDomain};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::i18n::Texts;
use crate::message::{Message, Value};
use crate::output;
use crate::state::{self, Access};
use crate::table::Table as Screen;
use parom_service::import::{
    Column, Columns, Deed, Domain, Fault, FileFault, Nobody, Planned, Preview, Provisioner, Remark, Table, VkCsv,
    preview, read_rows, read_table,
};
use serde_json::json;
use std::path::Path;

/// So many rows of a kind are shown on the screen; the report has them all.
const SHOWN: usize = 20;

pub fn run(args: &Import, config: &Config, texts: &Texts) -> Result<Exit, Failure> {
    let file = args.file.display().to_string();
    let table = read(&args.file)?;
    let columns = Columns::of(&table.head).map_err(|faults| refused_head(&faults, &file))?;
    let rows = read_rows(&table, &columns, &domains(config));
    let fresh = !config.state.exists();
    let seen = match args.dry_run && fresh {
        true => state::single_thread()?.block_on(preview(None, rows))?,
        false => {
            let access = if args.dry_run { Access::Read } else { Access::Write };
            state::with(config, access, async |store| Ok(preview(Some(store), rows).await?))?
        }
    };
    if let Some(report) = &args.report {
        write_report(report, &seen, texts)?;
    }
    if args.json {
        output::print_json(seen.faults.iter().map(|(line, faults)| refused_json(*line, faults, texts)))?;
        output::print_json(seen.planned.iter().map(|planned| planned_json(planned, texts)))?;
    } else {
        output::print(&screen(&file, &table, &seen, texts))?;
    }
    let refused = !seen.faults.is_empty() && !args.without_bad_rows;
    if args.dry_run {
        return Ok(if refused { Exit::Usage } else { Exit::Done });
    }
    if refused {
        let message = Message::new("import-refused").with("count", seen.faults.len());
        return Err(Failure::usage(message.with("file", file)));
    }
    carry_out(args, config, texts, &seen)
}

fn carry_out(args: &Import, config: &Config, texts: &Texts, seen: &Preview) -> Result<Exit, Failure> {
    let provisioner: Box<dyn Provisioner> = match &args.vk_csv {
        Some(file) => Box::new(VkCsv { file: file.clone() }),
        None => Box::new(Nobody),
    };
    provisioner.provision(&seen.planned).map_err(|error| {
        let file = args.vk_csv.as_deref().unwrap_or(Path::new("")).display().to_string();
        Failure::usage(Message::new("import-vk-unwritable").with("file", file).with("detail", error.to_string()))
    })?;
    let writes: Vec<_> = seen.planned.iter().filter_map(Planned::write).collect();
    let written = writes.len();
    state::with(config, Access::Write, async |store| Ok(store.import(writes, |_| {}).await?))?;
    if args.json {
        return Ok(Exit::Done);
    }
    let mut text = format!("{}\n", texts.explain(&Message::new("import-done").with("count", written)));
    if let Some(file) = &args.vk_csv {
        let message = Message::new("import-vk-done").with("file", file.display().to_string());
        text.push_str(&format!("{}\n", texts.explain(&message)));
    }
    output::print(&text)?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Table, Failure> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::usage(Message::new("import-unreadable").with("file", file.clone()).with("detail", error.to_string()))
    })?;
    read_table(&bytes).map_err(|fault| {
        let message = match fault {
            FileFault::Empty => Message::new("import-empty"),
            FileFault::TooBig => Message::new("import-too-big"),
            FileFault::NotText => Message::new("import-not-text"),
            FileFault::Broken { line } => Message::new("import-broken").with("line", line.to_string()),
        };
        Failure::usage(message.with("file", file.clone()))
    })
}

fn domains(config: &Config) -> Vec<Domain> {
    let domain = |domain: &MailDomain| Domain {
        name: domain.name.clone(),
        takes_service_login: domain.sides.source.takes_service_login(),
    };
    config.domains.iter().map(domain).collect()
}

fn refused_head(faults: &[Fault], file: &str) -> Failure {
    let messages = faults.iter().map(|fault| sentence(fault).with("file", file)).collect();
    Failure { exit: Exit::Usage, messages }
}

/// What is wrong, in a sentence of the locale files. Passwords are never repeated.
fn sentence(fault: &Fault) -> Message {
    let about = |key: &str, column: Column| Message::new(key).with("column", column.name());
    match fault {
        Fault::ColumnUnknown { found, near: Some(near) } => {
            about("import-column-near", *near).with("found", found.clone())
        }
        Fault::ColumnUnknown { found, near: None } => {
            let known: Value = Column::ALL.iter().map(|column| column.name()).collect();
            Message::new("import-column-unknown").with("found", found.clone()).with("known", known)
        }
        Fault::ColumnTwice { column } => about("import-column-twice", *column),
        Fault::ColumnMissing { column } => about("import-column-missing", *column),
        Fault::TooManyCells { cells, columns } => {
            Message::new("import-too-many-cells").with("cells", *cells).with("columns", *columns)
        }
        Fault::Missing { column } => about("import-missing", *column),
        Fault::NotAnAddress { found } => Message::new("import-not-an-address").with("found", found.clone()),
        Fault::DomainUnknown { found, known } => {
            let known: Value = known.iter().map(String::as_str).collect();
            Message::new("import-domain").with("found", found.clone()).with("known", known)
        }
        Fault::Twice { found, line } => {
            Message::new("import-twice").with("found", found.clone()).with("line", line.to_string())
        }
        Fault::PasswordShort { column } => about("import-password-short", *column),
        Fault::NotTrueOrFalse { column, found } => about("import-not-true", *column).with("found", found.clone()),
        Fault::NotZeroOrOne { column, found } => about("import-not-one", *column).with("found", found.clone()),
        Fault::NotAPhone { column, found } => about("import-not-a-phone", *column).with("found", found.clone()),
        Fault::NotANumber { column, found } => about("import-not-a-number", *column).with("found", found.clone()),
        Fault::Control { column } => about("import-control", *column),
        Fault::Quote { column } => about("import-quote", *column),
        Fault::NoServicePassword { username } => {
            Message::new("import-no-service-password").with("found", username.clone())
        }
        Fault::NoServiceTemplate { username } => {
            Message::new("import-no-service-template").with("found", username.clone())
        }
        Fault::OtherLogins { source, target } => {
            Message::new("import-other-logins").with("source", source.clone()).with("target", target.clone())
        }
    }
}

fn remark(remark: Remark) -> Message {
    Message::new(match remark {
        Remark::SessionsEnd => "import-sessions-end",
        Remark::NoCollector => "import-no-collector",
        Remark::PasswordForNewOnly => "import-password-new",
        Remark::PasswordChanges => "import-password-changes",
    })
}

/// The word for scripts, and the key of the one for people.
fn deed(deed: &Deed) -> (&'static str, &'static str) {
    match deed {
        Deed::Create => ("create", "import-create"),
        Deed::Update(_) => ("update", "import-update"),
        Deed::Unchanged => ("unchanged", "import-unchanged"),
    }
}

fn names(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ")
}

fn changed(planned: &Planned) -> &[Column] {
    if let Deed::Update(columns) = &planned.deed { columns } else { &[] }
}

/// Refused rows first, then what would be done, in the order of the file.
fn screen(file: &str, table: &Table, seen: &Preview, texts: &Texts) -> String {
    let delimiter = if table.delimiter == '\t' { "TAB".to_owned() } else { table.delimiter.to_string() };
    let head = Message::new("import-read")
        .with("file", file)
        .with("count", table.rows.len())
        .with("encoding", table.encoding.as_str())
        .with("delimiter", delimiter);
    let mut text = format!("{}\n", texts.say(&head));
    for (line, faults) in seen.faults.iter().take(SHOWN) {
        for fault in faults {
            text.push_str(&format!("{}\n", texts.say(&at(*line, fault))));
        }
    }
    text.push_str(&more(seen.faults.len(), texts));
    let doing: Vec<&Planned> = seen.planned.iter().filter(|planned| planned.deed != Deed::Unchanged).collect();
    if !doing.is_empty() {
        let heads = ["head-line", "head-account", "head-result", "head-source-login", "head-remarks"];
        let mut rows = Screen::new(heads.map(|key| texts.text(key)));
        for planned in doing.iter().take(SHOWN) {
            rows.row(row(planned, texts));
        }
        text.push_str(&rows.text());
        text.push_str(&more(doing.len(), texts));
    }
    let count = |wanted: &str| seen.planned.iter().filter(|planned| deed(&planned.deed).0 == wanted).count();
    let sum = Message::new("import-sum")
        .with("create", count("create"))
        .with("update", count("update"))
        .with("unchanged", count("unchanged"))
        .with("refused", seen.faults.len());
    text.push_str(&format!("{}\n", texts.say(&sum)));
    text
}

fn row(planned: &Planned, texts: &Texts) -> [String; 5] {
    let said: Vec<String> = planned.person.remarks.iter().map(|it| texts.say(&remark(*it))).collect();
    let result = texts.text(deed(&planned.deed).1);
    let result = match changed(planned) {
        [] => result,
        columns => format!("{result} ({})", names(columns)),
    };
    let login = if planned.collects { planned.person.logins().source } else { "—".to_owned() };
    [planned.person.line.to_string(), planned.person.address.clone(), result, login, said.join("; ")]
}

fn more(count: usize, texts: &Texts) -> String {
    match count.checked_sub(SHOWN) {
        Some(rest) if rest > 0 => format!("{}\n", texts.say(&Message::new("import-more").with("count", rest))),
        _ => String::new(),
    }
}

/// A fault with its row and column.
fn at(line: u64, fault: &Fault) -> Message {
    let said = sentence(fault);
    let message = match fault.column() {
        Some(column) => Message::new("import-at-column").with("column", column.name()),
        None => Message::new("import-at"),
    };
    message.with("line", line.to_string()).with("what", said)
}

fn refused_json(line: u64, faults: &[Fault], texts: &Texts) -> serde_json::Value {
    let problems: Vec<_> = faults
        .iter()
        .map(|fault| json!({ "column": fault.column().map(Column::name), "message": texts.say(&sentence(fault)) }))
        .collect();
    json!({ "line": line, "result": "refused", "problems": problems })
}

fn planned_json(planned: &Planned, texts: &Texts) -> serde_json::Value {
    let remarks: Vec<String> = planned.person.remarks.iter().map(|it| texts.say(&remark(*it))).collect();
    json!({
        "line": planned.person.line,
        "account": planned.person.address,
        "result": deed(&planned.deed).0,
        "columns": changed(planned).iter().map(|column| column.name()).collect::<Vec<_>>(),
        "collects": planned.collects,
        "source_login": planned.person.logins().source,
        "remarks": remarks,
    })
}

/// All rows as a table for a spreadsheet. A cell that a spreadsheet would take for a formula is given an apostrophe.
fn write_report(path: &Path, seen: &Preview, texts: &Texts) -> Result<(), Failure> {
    let mut rows: Vec<(u64, [String; 4])> = Vec::new();
    for planned in &seen.planned {
        let [_, address, result, _, remarks] = row(planned, texts);
        rows.push((planned.person.line, [address, result, String::new(), remarks]));
    }
    for (line, faults) in &seen.faults {
        for fault in faults {
            let column = fault.column().map_or("", Column::name).to_owned();
            rows.push((*line, [String::new(), texts.text("import-not"), column, texts.say(&sentence(fault))]));
        }
    }
    rows.sort_by_key(|(line, _)| *line);
    let failed = |detail: String| {
        let message = Message::new("import-report-unwritable").with("file", path.display().to_string());
        Failure::usage(message.with("detail", detail))
    };
    let mut writer = csv::Writer::from_path(path).map_err(|error| failed(error.to_string()))?;
    let heads = ["head-line", "head-account", "head-result", "head-column", "head-remarks"].map(|key| texts.text(key));
    let mut put = |cells: Vec<String>| {
        writer.write_record(cells.iter().map(|cell| harmless(cell))).map_err(|error| failed(error.to_string()))
    };
    put(heads.to_vec())?;
    for (line, [address, result, column, remarks]) in rows {
        put(vec![line.to_string(), address, result, column, remarks])?;
    }
    writer.flush().map_err(|error| failed(error.to_string()))
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
