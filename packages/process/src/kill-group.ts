/**
 * A shell function: `kill_group PID START` kills the process group of a leader at once. One that is older or
 * younger than what was started is somebody else's; field 22 of `/proc/PID/stat` is the start.
 */
export const killGroupFunction = `
kill_group() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  set -- "$1" "$2" \${stat##*) }
  [ "\${22}" != "$2" ] || kill -s KILL -- "-$1" 2>/dev/null
}
`;
