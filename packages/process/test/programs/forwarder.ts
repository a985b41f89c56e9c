// forwarder.mjs DIRECTORY HOW [LEVEL]: an owner of two processes, of which one keeps a record, that write each signal
// that asks them to end into DIRECTORY. HOW is `forward`; `stopped` when forwarding was ended again; or `not`.
import { createProcessOwner, forwardSignals, probeLevels } from '../../src/index.js';

const [directory = '', how = '', level = 'process group'] = process.argv.slice(2);
const probe = (await probeLevels()).all.find((one) => one.level === level);
if (probe?.works !== true) throw new Error(`${level} does not work here`);
const owner = createProcessOwner({ marker: `forwarder-${process.pid}`, hold: probe.hold });
const script = (name: string) => `
for signal in INT TERM HUP; do trap "echo $signal >>${directory}/${name}; exit 9" $signal; done
echo up >${directory}/up.${name}
while :; do sleep 0.02; done`;
const start = (name: string, more: object) =>
  owner.start({
    argv: ['sh', '-c', script(name)],
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    ...more,
  });
const both = [
  await start('plain', {}),
  await start('recorded', { record: { directory: `${directory}/record` } }),
];
if (how !== 'not') {
  const stop = forwardSignals(owner, {
    onSignal: () =>
      void Promise.all(both.map(({ ended }) => ended)).then((ends) => {
        console.log(JSON.stringify(ends.map(({ reason, code }) => [reason, code])));
        void owner.close().then(() => process.exit(130));
      }),
  });
  if (how === 'stopped') stop();
}
console.log(JSON.stringify(both.map(({ identity }) => identity)));
setInterval(() => undefined, 1000);
