# writes-late.sh DIRECTORY: writes something down once it is told to, and acts on the end of its input.
(
  while [ ! -e "$1/now" ]; do sleep 0.05; done
  echo written >"$1/written"
) &
echo runs >"$1/runs"
read -r line
echo acted >"$1/acted"
sleep 100
