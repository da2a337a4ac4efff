# shellcheck shell=sh
# Keeps one PostgreSQL server for all test processes of a target folder and ends it when it has
# been idle. Arguments: the lock file that every user holds shared, idle seconds, the server command.
#
# Every way out ends the server: the last user gone (flock below), a signal (trap), and this shell
# being killed (the server command carries a parent-death signal).
users=$1
idle=$2
shift 2
# Whatever the test runner left open must not be kept open by a server that outlives it.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-
"$@" &
server=$!
waiting=
stop() {
    [ -z "$waiting" ] || kill "$waiting" 2>/dev/null
    kill -INT "$server" 2>/dev/null
    wait "$server"
    exit 0
}
trap stop TERM INT HUP
# A command in the background and `wait` for it, because only `wait` lets a trap run at once.
pause() {
    "$@" &
    waiting=$!
    wait "$waiting"
    result=$?
    waiting=
    return "$result"
}
exec 9<"$users"
while pause flock --exclusive 9; do
    flock --unlock 9
    pause sleep "$idle"
    # The lock is held until the server is gone: a process that comes now waits and starts a new one.
    if flock --exclusive --nonblock 9; then
        stop
    fi
done
stop
