//! A shell that stands between a test and a real server which runs apart.

/// For `sh -c`: ends the server when its standard input closes, with the test and also when the test's process dies in whatever
/// way, and waits until nothing is left of it. Its arguments: a folder to remove at the end, or an empty word; the program; its
/// arguments.
///
/// The server has a process group of its own, because Cyrus ends the whole one that it is in, and now and then itself not.
pub const KEEPER: &str = r#"
folder=$1; shift
setsid "$@" </dev/null & server=$!
read -r _
kill -TERM "$server"
patience=50
while [ "$patience" -gt 0 ] && kill -0 "-$server"; do
    sleep 0.1
    patience=$((patience - 1))
done 2>/dev/null
kill -KILL "-$server"
wait "$server"
[ -z "$folder" ] || rm -rf "$folder"
"#;
