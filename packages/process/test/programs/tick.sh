# tick.sh DIRECTORY NAME: proves that it lives by a line in a file, ten times a second.
directory=$1
name=$2
case $name in
deaf) trap '' TERM INT HUP ;;
esac
echo x >>"$directory/tick.$name"
echo $$ >"$directory/pid.$name.part"
mv "$directory/pid.$name.part" "$directory/pid.$name"
case $name in
stopped) kill -STOP $$ ;;
esac
while :; do
  echo x >>"$directory/tick.$name"
  sleep 0.1
done
