/**
 * Shell functions for a leader that is told as `PID START`. One that is older or younger than what was started
 * is somebody else's: field 22 of `/proc/PID/stat` is the start, field 3 the state.
 *
 * - `lives PID START`: it has not ended.
 * - `wait_for PID START ROUNDS`: until it has, for so many rounds of 50 ms at most. `$sleep`: the program for that.
 * - `kill_group PID START`: kills its process group at once.
 */
export const leaderFunctions = `
lives() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  set -- "$1" "$2" \${stat##*) }
  [ "\${22}" = "$2" ] && [ "$3" != Z ]
}
wait_for() {
  rounds=$3
  while [ "$rounds" -gt 0 ] && lives "$1" "$2"; do
    "$sleep" 0.05
    rounds=$((rounds - 1))
  done
}
kill_group() {
  ! lives "$1" "$2" || kill -s KILL -- "-$1" 2>/dev/null
}
`;

/** Rounds of `wait_for` in so many milliseconds. */
export const roundsIn = (ms: number): number => Math.ceil(ms / 50);
