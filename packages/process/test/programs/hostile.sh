# hostile.sh DIRECTORY stay|leave SHAPE...: a leader with descendants that do not want to end.
# All of them hold the write end of DIRECTORY/pipe, and the leader's stdout and stderr.
programs=$(dirname "$0")
directory=$1
then=$2
shift 2
exec 9>"$directory/pipe"
for shape in "$@"; do
  case $shape in
  setsid) setsid sh "$programs/tick.sh" "$directory" setsid & ;;
  daemon) (setsid sh -c "sh '$programs/tick.sh' '$directory' daemon & exit 0" &) ;;
  orphan) (sh "$programs/tick.sh" "$directory" orphan &) ;;
  emptied) env -i "PATH=$PATH" sh "$programs/tick.sh" "$directory" emptied & ;;
  renamed) perl "$programs/tick.pl" "$directory" renamed & ;;
  renamed-daemon) (setsid sh -c "perl '$programs/tick.pl' '$directory' renamed-daemon & exit 0" &) ;;
  subreaper) perl "$programs/tick.pl" "$directory" subreaper & ;;
  chain) setsid sh "$programs/chain.sh" "$directory" & ;;
  closed) setsid sh "$programs/tick.sh" "$directory" closed 0<&- 1>&- 2>&- 9>&- & ;;
  hidden) (env -i "PATH=$PATH" setsid sh -c "sh '$programs/tick.sh' '$directory' hidden & exit 0" &) ;;
  *) sh "$programs/tick.sh" "$directory" "$shape" & ;;
  esac
done
for shape in "$@"; do
  while [ ! -e "$directory/pid.$shape" ]; do sleep 0.05; done
done
case $then in
leave) echo ready ;;
stay) while :; do sleep 1; done ;;
esac
