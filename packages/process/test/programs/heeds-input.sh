# heeds-input.sh DIRECTORY: acts on the end of its input, as an agent does that takes silence for an answer; and on
# being asked to end.
exec 2>/dev/null
trap 'echo asked >"$1/asked"; exit' TERM
echo $$ >"$1/pid.heeds.part"
mv "$1/pid.heeds.part" "$1/pid.heeds"
while read -r line; do echo "$line" >>"$1/heard"; done
echo acted >"$1/acted"
while :; do sleep 0.1; done
